/** The earlier version of policies that a comparison starts from: a folder, or a revision of the repository. */

import { relative, resolve, sep } from 'node:path'
import { error, hasErrors, type Problem } from '../support/problem.ts'
import { type GitRevision, type NoRevision, openRevision } from './git-revision.ts'
import type { InputFiles } from './input-files.ts'
import { configuredRoots, type PolicyRoots, rootsOf, withoutConfig } from './policy-roots.ts'
import type { Environment } from './references.ts'

/** What the working tree's version was found by. */
export interface RootRequest {
  /** Absolute. */
  readonly cwd: string
  readonly env: Environment
  /** Absolute; where the config would be, whether there is one or not. */
  readonly configFile: string
  /** Absolute; in place of what the config says. */
  readonly path: string | undefined
}

export interface BaseVersion {
  readonly set: PolicyRoots
  readonly files: InputFiles
  /** Roots of the working tree that the base does not have. */
  readonly absent: readonly string[]
  /** `path` as messages show it: `REF:path` in a revision. */
  nameOf(path: string): string
  close(): void
}

/** What is wrong with what was named, or with what it names. */
export type NoBase = { readonly reason: string } | { readonly problems: readonly Problem[] }

/** The roots that a command means by `request`, looked for in `files`. */
export async function findRoots(
  request: RootRequest,
  files: InputFiles,
  isConfigNeeded: boolean,
): Promise<{ readonly set: PolicyRoots; readonly problems: readonly Problem[] }> {
  const { cwd, env, path } = request
  const hasConfig = isConfigNeeded || (await files.kindOf(request.configFile)) === 'file'
  const configFile = hasConfig ? request.configFile : undefined
  const { set, problems } = await configuredRoots({ cwd, env, configFile, files })
  if (hasErrors(problems) || path === undefined) return { set, problems }
  if ((await files.kindOf(path)) === 'missing') {
    const at = { file: path, line: 1, column: 1 }
    return { set, problems: [error(at, 'cannot read the policies: no such file')] }
  }
  return { set: await rootsOf(path, set, files), problems }
}

/**
 * Finds what `base` names. A folder that is written as a path, as in `./old`, is never taken for a revision; a plain word
 * that could mean both means neither.
 * @param working what the working tree has, found by `request`
 */
export async function openBase(
  base: string,
  request: RootRequest,
  working: PolicyRoots,
  disk: InputFiles,
): Promise<BaseVersion | NoBase> {
  const folder = resolve(request.cwd, base)
  const isFolder = base !== '' && (await disk.kindOf(folder).catch(() => 'missing')) === 'folder'
  if (isFolder && isWrittenAsPath(base)) return openFolder(folder, request, working, disk)
  const start = await nearestFolder(working.roots[0]?.path ?? request.cwd, disk)
  const revision = await openRevision(base, start, request.env, disk)
  if ('reason' in revision) {
    return isFolder ? openFolder(folder, request, working, disk) : notFound(base, revision)
  }
  if (!isFolder) return openBelow(revision, base, request, working)
  revision.close()
  const reason =
    `\`${base}\` is a folder and a revision as well; write \`./${base}\` for the folder, ` +
    `or the revision in full, as in \`refs/heads/${base}\``
  return { reason }
}

function isWrittenAsPath(base: string): boolean {
  return /^\.{0,2}[/\\]|^\.{1,2}$|[/\\]$/.test(base)
}

function notFound(base: string, { reason }: NoRevision): NoBase {
  if (isWrittenAsPath(base)) return { reason: `\`${base}\` is no folder` }
  return { reason: `\`${base}\` is no folder, and no revision: ${reason}` }
}

async function nearestFolder(path: string, disk: InputFiles): Promise<string> {
  for (let folder = path; ; folder = resolve(folder, '..')) {
    if ((await disk.kindOf(folder)) === 'folder' || folder === resolve(folder, '..')) return folder
  }
}

/** A folder is a copy of the checkout, with its policies at the same place, or it is the policies. */
async function openFolder(
  folder: string,
  request: RootRequest,
  working: PolicyRoots,
  disk: InputFiles,
): Promise<BaseVersion | NoBase> {
  const inside = (path: string): string | undefined => {
    const way = relative(request.cwd, path)
    return isOutside(way) ? undefined : resolve(folder, way)
  }
  const configFile = inside(request.configFile)
  const mapped = working.roots.map((root) => ({ ...root, path: inside(root.path) ?? folder }))
  const isCopy = await everyExists(
    working.roots.map(({ path }) => inside(path)),
    disk,
  )
  const hasConfig = await everyExists([configFile], disk)
  const version = {
    files: disk,
    absent: [],
    nameOf: (path: string) => path,
    close: () => undefined,
  }
  if (hasConfig && configFile !== undefined) {
    const there = { ...request, cwd: folder, configFile }
    const { set, problems } = await findCounterparts(there, disk, mapped)
    return hasErrors(problems) ? { problems } : { ...version, set }
  }
  const { roots } = isCopy ? { roots: mapped } : withoutConfig(folder)
  return { ...version, set: { ...working, roots } }
}

function isOutside(way: string): boolean {
  return way === '..' || way.startsWith(`..${sep}`)
}

async function everyExists(
  paths: readonly (string | undefined)[],
  disk: InputFiles,
): Promise<boolean> {
  for (const path of paths) {
    if (path === undefined || (await disk.kindOf(path)) === 'missing') return false
  }
  return true
}

/** The same paths as in the working tree, or those that the revision's own config names. */
async function openBelow(
  revision: GitRevision,
  ref: string,
  request: RootRequest,
  working: PolicyRoots,
): Promise<BaseVersion | NoBase> {
  const { top, files, close } = revision
  const nameOf = (path: string): string => {
    const way = relative(top, path)
    return isOutside(way) ? path : `${ref}:${way.split(sep).join('/')}`
  }
  try {
    const { set, problems } = await rootsIn(revision, request, working)
    const outside = set.roots.filter(({ path }) => isOutside(relative(top, path)))
    const all = [
      ...problems.map((problem) => ({ ...problem, file: nameOf(problem.file) })),
      ...outside.map(({ path, at }) =>
        error(at, `\`${path}\` lies outside of the repository, so \`${ref}\` does not tell of it`),
      ),
    ]
    if (hasErrors(all)) {
      close()
      return { problems: all }
    }
    const kinds = await Promise.all(set.roots.map(({ path }) => files.kindOf(path)))
    const roots = set.roots.filter((_, i) => kinds[i] !== 'missing')
    const absent = set.roots.filter((_, i) => kinds[i] === 'missing').map(({ path }) => path)
    return { set: { ...set, roots }, files, absent, nameOf, close }
  } catch (cause) {
    close()
    throw cause
  }
}

/** A config that the revision does not have is that of the working tree: not every config is under version control. */
async function rootsIn(
  { files }: GitRevision,
  request: RootRequest,
  working: PolicyRoots,
): Promise<{ readonly set: PolicyRoots; readonly problems: readonly Problem[] }> {
  if ((await files.kindOf(request.configFile)) !== 'file') return { set: working, problems: [] }
  return findCounterparts(request, files, working.roots)
}

/** What the config of the base says; where the working tree's roots were asked for by a path, the same `roots`. */
async function findCounterparts(
  request: RootRequest,
  files: InputFiles,
  roots: PolicyRoots['roots'],
): Promise<{ readonly set: PolicyRoots; readonly problems: readonly Problem[] }> {
  const found = await findRoots({ ...request, path: undefined }, files, false)
  if (request.path === undefined) return found
  return { ...found, set: { ...found.set, roots } }
}
