/** The config file and its policies, read and checked as one: a snapshot, or what is wrong. All or nothing. */

import { dirname, relative } from 'node:path'
import type { CompiledSet } from '../policy/compile.ts'
import type { Offers, RefusedOffers } from '../policy/offer.ts'
import { hasErrors, type Problem } from '../support/problem.ts'
import { Secret } from '../support/secret.ts'
import type { Clock } from '../support/time.ts'
import { type CheckedConfig, checkConfig } from './check-config.ts'
import { checkRouteSessions } from './check-route-sessions.ts'
import { checkRouteTokens } from './check-route-tokens.ts'
import { compileRoots } from './compile-roots.ts'
import { createInputFiles, type InputFiles, type ReadFile, type Stamps } from './input-files.ts'
import { type KeptInputs, keepInputs, keptFiles } from './kept-inputs.ts'
import { type PolicyRoots, rootsIn, withoutConfig } from './policy-roots.ts'
import { readConfig } from './read-config.ts'
import type { Environment } from './references.ts'
import type { Config } from './schema.ts'
import type { Snapshot } from './snapshot.ts'

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
  /** What another process has read, in place of all files. */
  readonly inputs?: KeptInputs | undefined
  /** Keep what is read, for other processes. */
  readonly keep?: boolean | undefined
  /** Routes and certificates from elsewhere than files, asked for with the config that they are for. */
  readonly offers?: ((config: Config) => Offers) | undefined
}

export interface LoadResult {
  /** Only where no problem is an error. */
  readonly snapshot: Snapshot | undefined
  /** Errors first, then warnings. */
  readonly problems: readonly Problem[]
  /** Every path that was looked at, for watch.ts. */
  readonly stamps: Stamps
  /** What `snapshot` was made from, where it was to be kept. */
  readonly inputs: KeptInputs | undefined
  /** What is wrong with offers, which are no problems of the whole. */
  readonly refused: RefusedOffers
}

/** Files that change while they are read are read again, so often at the most; watch.ts sees what comes after. */
const MOST_ATTEMPTS = 4

/**
 * Loads everything anew. Never rejects for what is wrong with a file: that is a problem in the result. A swap of many
 * files at once, as by git or Kubernetes, is seen before or after it, and not in its middle.
 */
export async function loadSnapshot(options: LoadOptions): Promise<LoadResult> {
  const { inputs, keep, readFile } = options
  if (inputs !== undefined) {
    const given = { ...options, offers: () => inputs.offers }
    return { ...(await loadOnce(given, keptFiles(inputs))).result, inputs }
  }
  for (let attempt = 1; ; attempt++) {
    const files = keepInputs(createInputFiles(readFile))
    const { result, offers } = await loadOnce(options, files)
    if (attempt < MOST_ATTEMPTS && (await files.haveChanged())) continue
    const revision = result.snapshot?.revision
    return { ...result, inputs: keep && revision ? files.kept(revision, offers) : undefined }
  }
}

const NO_OFFERS: Offers = { revision: '', routes: [], certificates: [] }

interface Loaded {
  readonly result: Omit<LoadResult, 'inputs'>
  readonly offers: Offers
}

async function loadOnce(options: LoadOptions, files: InputFiles): Promise<Loaded> {
  const folder = dirname(options.configFile)
  const read = await readConfig(options.configFile, options.env, files)
  const problems = [...read.problems]
  let checked: CheckedConfig | undefined
  const config = read.config ?? read.judgeable?.config
  if (config !== undefined) {
    const previous = options.previous
    const verdict = await checkConfig(config, {
      document: read.document,
      folder,
      files,
      now: options.now,
      madeSecrets: previous?.sessionSecretIsMade === true ? previous.sessionSecrets : undefined,
      isUnsure: read.judgeable?.isUnsure,
    })
    checked = verdict.checked
    problems.push(...verdict.problems)
  }
  const offers = (checked && options.offers?.(checked.config)) ?? NO_OFFERS
  if (options.offers !== undefined) files.note('offers', offers.revision)
  // Policies are judged beside a config with errors too, so that one run shows all that is wrong.
  const policies =
    read.written === undefined
      ? undefined
      : await compileRoots(
          withOffers(rootsIn(read, options.configFile, options.policies), options),
          files,
          {
            isServing: options.previous !== undefined,
            offers: offers.routes,
            ownHosts: checked === undefined ? [] : [new URL(checked.server.publicUrl).hostname],
          },
        )
  // A file may hold more mistakes than a call takes arguments.
  for (const problem of policies?.problems ?? []) problems.push(problem)
  if (checked !== undefined) {
    const routes = policies?.table.routes ?? []
    problems.push(...checkRouteSessions(routes, checked.config.session))
    problems.push(...checkRouteTokens(routes))
  }
  const failed = {
    snapshot: undefined,
    problems: inOrder(problems),
    stamps: files.stamps(),
    refused: policies?.refused ?? new Map(),
  }
  if (hasErrors(problems) || checked === undefined || policies === undefined) {
    return { result: failed, offers }
  }
  const snapshot: Snapshot = {
    revision: files.revision((path) => relative(folder, path)),
    loadedAt: options.now(),
    config: checked.config,
    table: policies.table,
    fileRoutes: policies.fileRoutes,
    listen: checked.server.listen,
    adminListen: checked.server.adminListen,
    redirectListen: checked.server.redirectListen,
    tls: [
      ...checked.tls,
      ...offers.certificates.map(({ cert, key, hosts }) => ({ cert, key: new Secret(key), hosts })),
    ],
    clientCa: checked.clientCa,
    store: checked.session.store,
    sessionSecrets: checked.session.secrets,
    sessionSecretIsMade: checked.session.secretIsMade,
    signingKeys: checked.signingKeys,
    logo: checked.logo,
    localAdmins: checked.localAdmins,
    providerCas: checked.providerCas,
  }
  return { result: { ...failed, snapshot }, offers }
}

/** A cluster that is followed may use policies that no route of the files does. */
function withOffers(set: PolicyRoots, { offers }: LoadOptions): PolicyRoots {
  return offers === undefined ? set : { ...set, policiesAreOffered: true }
}

/** Policies by themselves: what needs no config to be judged. @param paths absolute */
export async function loadPolicies(
  paths: readonly string[],
): Promise<Pick<CompiledSet, 'table' | 'problems'>> {
  const { table, problems } = await compileRoots(withoutConfig(...paths), createInputFiles())
  return { table, problems: inOrder(problems) }
}

/** Errors before warnings; within both the config before the policies, and each file from top to bottom. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const files = [...new Set(problems.map((problem) => problem.file))]
  const ranks = new Map(files.map((file, index) => [file, index]))
  const severity = (problem: Problem) => (problem.severity === 'error' ? 0 : 1)
  const rank = (problem: Problem) => ranks.get(problem.file) ?? 0
  return [...problems].sort(
    (a, b) =>
      severity(a) - severity(b) || rank(a) - rank(b) || a.line - b.line || a.column - b.column,
  )
}
