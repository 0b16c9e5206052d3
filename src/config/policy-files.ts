/** Which files hold policies: `*.yaml` below each path, but for tests and their data. Finds and reads them, no more. */

import { basename } from 'node:path'
import { error, type Position, type Problem, startOf, warning } from '../support/problem.ts'
import { AT_A_TIME, type FolderEntry, type InputFiles, whyUnreadable } from './input-files.ts'

/** A path of `policies:`, absolute, and where it is written. */
export interface PolicyRoot {
  readonly path: string
  readonly at: Position
}

/** A policy file as it was read; `file` is absolute. */
export interface PolicySource {
  readonly file: string
  readonly text: string
}

export interface PolicyFiles {
  /** In the order of their names, which has no meaning but makes messages steady. */
  readonly sources: readonly PolicySource[]
  readonly problems: readonly Problem[]
}

/**
 * Reads the policy files below `roots`. A file that two roots lead to is read once; hidden files are left out, so that
 * the folders in which Kubernetes keeps the versions of a ConfigMap are; so are `*_test.yaml` and `testdata/`.
 */
export async function readPolicyFiles(
  roots: readonly PolicyRoot[],
  files: InputFiles,
): Promise<PolicyFiles> {
  const problems: Problem[] = []
  const found: string[] = []
  const seen = new Set<string>()
  for (const root of roots) {
    try {
      found.push(...(await filesOf(root, files, seen, problems)))
    } catch (cause) {
      problems.push(error(root.at, `cannot read the policies: ${whyUnreadable(cause)}`))
    }
  }
  found.sort()
  const sources: PolicySource[] = []
  for (let i = 0; i < found.length; i += AT_A_TIME) {
    const read = found.slice(i, i + AT_A_TIME).map((file) => readSource(file, files, problems))
    sources.push(...(await Promise.all(read)).filter((source) => source !== undefined))
  }
  const first = roots[0]
  if (found.length === 0 && problems.length === 0 && first !== undefined) {
    problems.push(error(first.at, 'no policies found: there is no file `*.yaml` below this path'))
  }
  return { sources, problems }
}

/** @throws Error of node:fs where `root` itself cannot be read */
async function filesOf(
  root: PolicyRoot,
  files: InputFiles,
  seen: Set<string>,
  problems: Problem[],
): Promise<readonly string[]> {
  const kind = await files.kindOf(root.path)
  if (kind === 'folder') return filesBelow(root.path, files, seen, problems)
  if (kind === 'file' && isTest(basename(root.path))) {
    problems.push(error(root.at, 'a `*_test.yaml` file holds tests, not policies'))
    return []
  }
  // A missing one is read all the same: that gives the reason.
  return (await isNew(root.path, files, seen)) ? [root.path] : []
}

async function filesBelow(
  folder: string,
  files: InputFiles,
  seen: Set<string>,
  problems: Problem[],
): Promise<readonly string[]> {
  if (!(await isNew(folder, files, seen))) return []
  const found: string[] = []
  for (const entry of await files.list(folder)) {
    if (entry.name.startsWith('.')) continue
    if (entry.kind === 'folder') {
      found.push(...(await filesOfFolder(entry, files, seen, problems)))
    } else if (entry.name.endsWith('.yml')) {
      problems.push(warning(startOf(entry.path), 'the file is not read: policies end in `.yaml`'))
    } else if (entry.name.endsWith('.yaml') && !isTest(entry.name)) {
      if (entry.kind === 'missing' || (await isNew(entry.path, files, seen))) found.push(entry.path)
    }
  }
  return found
}

async function filesOfFolder(
  entry: FolderEntry,
  files: InputFiles,
  seen: Set<string>,
  problems: Problem[],
): Promise<readonly string[]> {
  if (entry.name === 'testdata') return []
  try {
    return await filesBelow(entry.path, files, seen, problems)
  } catch (cause) {
    problems.push(error(startOf(entry.path), `cannot read the folder: ${whyUnreadable(cause)}`))
    return []
  }
}

/** False where another way has led here already, a link in a circle for one. @throws Error of node:fs */
async function isNew(path: string, files: InputFiles, seen: Set<string>): Promise<boolean> {
  const real = await files.realPath(path)
  if (seen.has(real)) return false
  seen.add(real)
  return true
}

async function readSource(
  file: string,
  files: InputFiles,
  problems: Problem[],
): Promise<PolicySource | undefined> {
  try {
    return { file, text: decodeUtf8(await files.read(file)) }
  } catch (cause) {
    problems.push(error(startOf(file), `cannot read the policy file: ${whyUnreadable(cause)}`))
    return undefined
  }
}

/** @throws TypeError with the code ERR_ENCODING_INVALID_ENCODED_DATA where `content` is not UTF-8 */
export function decodeUtf8(content: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(content)
}

function isTest(name: string): boolean {
  return name.endsWith('_test.yaml')
}
