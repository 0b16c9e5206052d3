/** The config file and its policies, read and checked as one: a snapshot, or what is wrong. All or nothing. */

import { dirname, relative, resolve } from 'node:path'
import { type CompiledSet, compilePolicies, type ProviderFacts } from '../policy/compile.ts'
import { valueBelow } from '../support/check-schema.ts'
import { isMapping } from '../support/mapping.ts'
import { hasErrors, type Position, type Problem } from '../support/problem.ts'
import type { Clock } from '../support/time.ts'
import { type CheckedConfig, checkConfig } from './check-config.ts'
import {
  createInputFiles,
  type InputFiles,
  type ReadFile,
  type Stamps,
  whyUnreadable,
} from './input-files.ts'
import { decodeUtf8, type PolicyRoot, readPolicyFiles } from './policy-files.ts'
import { type ReadConfig, readConfig } from './read-config.ts'
import type { Environment } from './references.ts'
import type { Snapshot } from './snapshot.ts'

const DEFAULT_POLICIES = ['policies/']

export interface LoadOptions {
  /** Absolute. */
  readonly configFile: string
  readonly env: Environment
  readonly now: Clock
  /** Absolute paths in place of the config's `policies`. */
  readonly policies?: readonly string[] | undefined
  /** What is in force now: a session secret that was made then lives on. */
  readonly previous?: Snapshot | undefined
  /** In place of node:fs. */
  readonly readFile?: ReadFile | undefined
}

export interface LoadResult {
  /** Only where no problem is an error. */
  readonly snapshot: Snapshot | undefined
  /** Errors first, then warnings. */
  readonly problems: readonly Problem[]
  /** Every path that was looked at, for watch.ts. */
  readonly stamps: Stamps
}

/** Loads everything anew. Never rejects for what is wrong with a file: that is a problem in the result. */
export async function loadSnapshot(options: LoadOptions): Promise<LoadResult> {
  const files = createInputFiles(options.readFile)
  const folder = dirname(options.configFile)
  const read = await readConfig(options.configFile, options.env, files)
  const problems = [...read.problems]
  let checked: CheckedConfig | undefined
  if (read.config !== undefined) {
    const previous = options.previous
    const verdict = await checkConfig(read.config, {
      document: read.document,
      folder,
      files,
      now: options.now,
      madeSecrets: previous?.sessionSecretIsMade === true ? previous.sessionSecrets : undefined,
    })
    checked = verdict.checked
    problems.push(...verdict.problems)
  }
  // Policies are judged beside a config with errors too, so that one run shows all that is wrong.
  const policies =
    read.written === undefined
      ? undefined
      : await compileFiles(policyRoots(read, options), settingsIn(read.written), files)
  problems.push(...(policies?.problems ?? []))
  const failed = {
    snapshot: undefined,
    problems: inOrder(problems),
    stamps: files.stamps(),
  }
  if (hasErrors(problems) || checked === undefined || policies === undefined) return failed
  const snapshot: Snapshot = {
    revision: files.revision((path) => relative(folder, path)),
    loadedAt: options.now(),
    config: checked.config,
    table: policies.table,
    listen: checked.server.listen,
    adminListen: checked.server.adminListen,
    tls: checked.tls,
    store: checked.session.store,
    sessionSecrets: checked.session.secrets,
    sessionSecretIsMade: checked.session.secretIsMade,
    signingKeys: checked.signingKeys,
    logo: checked.logo,
  }
  return { ...failed, snapshot }
}

/** Policies by themselves: what needs no config to be judged. @param paths absolute */
export async function loadPolicies(
  paths: readonly string[],
): Promise<Pick<CompiledSet, 'table' | 'problems'>> {
  const roots = paths.map((path) => ({ path, at: { file: path, line: 1, column: 1 } }))
  const files = createInputFiles()
  const { table, problems } = await compileFiles(roots, UNKNOWN_SETTINGS, files)
  return { table, problems: inOrder(problems) }
}

/** What the config says about policies. */
interface PolicySettings {
  readonly allowHttp: boolean
  readonly providers: ReadonlyMap<string, ProviderFacts> | undefined
}

/** Without a config nobody knows what it would allow. */
const UNKNOWN_SETTINGS: PolicySettings = { allowHttp: true, providers: undefined }

async function compileFiles(
  roots: readonly PolicyRoot[],
  settings: PolicySettings,
  files: InputFiles,
): Promise<CompiledSet> {
  const { sources, problems } = await readPolicyFiles(roots, files)
  const readText = (path: string) => {
    try {
      return decodeUtf8(files.readSync(path))
    } catch (cause) {
      throw new Error(whyUnreadable(cause), { cause })
    }
  }
  const compiled = compilePolicies(sources, { ...settings, readText })
  return { ...compiled, problems: [...problems, ...compiled.problems] }
}

/** The paths of the options, or of the config, or of the schema's default where the config's are not fit. */
function policyRoots(read: ReadConfig, options: LoadOptions): readonly PolicyRoot[] {
  const at = (index: number): Position => read.document.valueAt(['policies', index])
  const written = valueBelow(read.written, ['policies'])
  const isFit = Array.isArray(written) && written.every((path) => typeof path === 'string')
  const paths: readonly string[] = options.policies ?? (isFit ? written : DEFAULT_POLICIES)
  const folder = dirname(options.configFile)
  return paths.map((path, index) => ({ path: resolve(folder, path), at: at(index) }))
}

/** Read from what is written and not from the finished config: that is missing where anything else is wrong. */
function settingsIn(written: unknown): PolicySettings {
  const providers = valueBelow(written, ['providers'])
  return {
    allowHttp: valueBelow(written, ['server', 'allow_http']) === true,
    providers: isMapping(providers)
      ? new Map(Object.keys(providers).map((name) => [name, {}]))
      : undefined,
  }
}

/** Errors before warnings; within both the config before the policies, and each file from top to bottom. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const files = [...new Set(problems.map((problem) => problem.file))]
  const ranks = new Map(files.map((file, index) => [file, index]))
  const severity = (problem: Problem) => (problem.severity === 'error' ? 0 : 1)
  const rank = (problem: Problem) => ranks.get(problem.file) ?? 0
  return [...problems].sort(
    (a, b) =>
      severity(a) - severity(b) || rank(a) - rank(b) || a.line - b.line || a.column - b.column,
  )
}
