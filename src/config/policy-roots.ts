/** Which policies a command means: those of the config, of `./policies`, or of the folder that its paths lie in. */

import { dirname, join, relative, resolve, sep } from 'node:path'
import type { ProviderFacts } from '../policy/compile.ts'
import { valueBelow } from '../support/check-schema.ts'
import { isMapping } from '../support/mapping.ts'
import { error, hasErrors, type Problem, startOf } from '../support/problem.ts'
import type { InputFiles } from './input-files.ts'
import type { PolicyRoot } from './policy-files.ts'
import { type ReadConfig, readConfig } from './read-config.ts'
import type { Environment } from './references.ts'

export interface RootOptions {
  /** Absolute. */
  readonly cwd: string
  readonly env: Environment
  /** Absolute; `undefined` where none is given and there is none at the usual place. */
  readonly configFile: string | undefined
  readonly files: InputFiles
}

/** Policies that are one set, and what the config says about them. */
export interface PolicyRoots {
  readonly roots: readonly PolicyRoot[]
  readonly allowHttp: boolean
  readonly providers: ReadonlyMap<string, ProviderFacts> | undefined
  /** Objects of a cluster may pick policies, so that one is not unused because no route of the files uses it. */
  readonly policiesAreOffered: boolean
}

/** The folder of policies where no config says otherwise. */
export const DEFAULT_FOLDER = 'policies'

/**
 * The config's policies. Of the config only what policies need is looked at: a secret that is not set where policies
 * are tested is no matter.
 */
export async function configuredRoots(
  options: RootOptions,
): Promise<{ readonly set: PolicyRoots; readonly problems: readonly Problem[] }> {
  const { configFile, cwd, env, files } = options
  if (configFile === undefined)
    return { set: withoutConfig(join(cwd, DEFAULT_FOLDER)), problems: [] }
  const read = await readConfig(configFile, env, files)
  if (!isMapping(read.written)) {
    const problems = hasErrors(read.problems)
      ? read.problems
      : [error({ file: configFile, line: 1, column: 1 }, 'the config file is empty')]
    return { set: withoutConfig(join(cwd, DEFAULT_FOLDER)), problems }
  }
  return { set: rootsIn(read, configFile), problems: [] }
}

/**
 * What a config says about policies. Read from what is written and not from the finished config: that is missing where
 * anything else is wrong.
 * @param paths absolute, in place of the config's `policies`
 */
export function rootsIn(
  { document, written }: ReadConfig,
  configFile: string,
  paths?: readonly string[],
): PolicyRoots {
  const policies = valueBelow(written, ['policies'])
  const isFit = Array.isArray(policies) && policies.every((path) => typeof path === 'string')
  const named: readonly string[] = paths ?? (isFit ? policies : [DEFAULT_FOLDER])
  const providers = valueBelow(written, ['providers'])
  return {
    roots: named.map((path, index) => ({
      path: resolve(dirname(configFile), path),
      at: paths === undefined ? document.valueAt(['policies', index]) : startOf(path),
    })),
    allowHttp: valueBelow(written, ['server', 'allow_http']) === true,
    policiesAreOffered: isMapping(valueBelow(written, ['kubernetes'])),
    providers: isMapping(providers)
      ? new Map(Object.entries(providers).map(([name, provider]) => [name, factsOf(provider)]))
      : undefined,
  }
}

function factsOf(provider: unknown): ProviderFacts {
  const domains = valueBelow(provider, ['email_domains'])
  const isFit = Array.isArray(domains) && domains.every((domain) => typeof domain === 'string')
  return { groupSpellings: groupSpellings(provider), ...(isFit ? { emailDomains: domains } : {}) }
}

/** A directory knows each group by its id and by its name. */
function groupSpellings(provider: unknown): ProviderFacts['groupSpellings'] {
  if (isMapping(valueBelow(provider, ['directory']))) return 'both'
  return valueBelow(provider, ['groups_claim_kind']) === 'ids' ? 'ids' : 'names'
}

/**
 * The root that `path` lies in: one of `configured`, else the nearest folder above it that has people for tests, else
 * its own folder.
 */
export async function rootsOf(
  path: string,
  configured: PolicyRoots,
  files: InputFiles,
): Promise<PolicyRoots> {
  if (configured.roots.some((root) => isWithin(path, root.path))) return configured
  const own = (await files.kindOf(path)) === 'folder' ? path : dirname(path)
  for (let folder = own; ; folder = dirname(folder)) {
    if ((await files.kindOf(join(folder, SUBJECTS_PATH))) === 'file') return withoutConfig(folder)
    if (folder === dirname(folder)) return withoutConfig(own)
  }
}

/** Below a root: the people that its tests are about. */
export const SUBJECTS_PATH = join('testdata', 'subjects.yaml')

function isWithin(path: string, root: string): boolean {
  const folder = root.endsWith('.yaml') ? dirname(root) : root
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`)
}

/** Without a config nobody knows what it would allow. @param paths absolute */
export function withoutConfig(...paths: readonly string[]): PolicyRoots {
  return {
    roots: paths.map((path) => ({ path, at: startOf(path) })),
    allowHttp: true,
    providers: undefined,
    policiesAreOffered: false,
  }
}
