/** The overview: is it ready, what is in force, does the store answer, how are providers and directories. */

import type { Mark, OperatorPage } from '../../pages/operator-page.ts'
import { OPERATOR_TEXTS as TEXTS } from '../../pages/operator-texts.ts'
import { timeView } from '../../pages/views.ts'
import { formatProblem } from '../../support/problem.ts'
import type { DirectoryHealth, OperatorParts, ProviderHealth } from './operator-parts.ts'

interface Fact {
  readonly name: string
  readonly text: string
  readonly mark?: Mark
  readonly sub?: string
}

export async function overview(parts: OperatorParts): Promise<Omit<OperatorPage, 'requestId'>> {
  const [health, store] = await Promise.all([parts.health(), askStore(parts)])
  return {
    tab: 'overview',
    template: 'operatorOverview',
    title: TEXTS.overview,
    view: {
      cards: [
        {
          id: 'gateway',
          title: TEXTS.gateway,
          facts: [...gatewayFacts(parts, health.length), ...store],
        },
        configCard(parts),
      ],
      providers: mergeHealth(health).map((one) => providerView(one, parts)),
    },
  }
}

function gatewayFacts(parts: OperatorParts, processes: number): readonly Fact[] {
  const isReady = parts.ready()
  return [
    {
      name: TEXTS.state,
      text: isReady ? TEXTS.ready : TEXTS.notReady,
      mark: isReady ? 'good' : 'bad',
    },
    { name: TEXTS.processes, text: String(processes) },
    { name: TEXTS.routes, text: String(parts.snapshot().table.routes.length) },
  ]
}

/** The kind alone: a URL may hold a password. */
async function askStore({ sessions, snapshot, log }: OperatorParts): Promise<readonly Fact[]> {
  const { store } = snapshot()
  const kind = store.kind === 'redis' ? `redis (${store.mode})` : store.kind
  const since = performance.now()
  try {
    const count = await sessions.count()
    const ms = Math.ceil(performance.now() - since)
    return [
      { name: TEXTS.store, text: TEXTS.good, mark: 'good', sub: `${kind}: ${TEXTS.storeGood(ms)}` },
      { name: TEXTS.sessions, text: String(count) },
    ]
  } catch (err) {
    log.warn({ err }, 'the operator’s page could not ask the session store')
    return [{ name: TEXTS.store, text: TEXTS.bad, mark: 'bad', sub: `${kind}: ${TEXTS.storeBad}` }]
  }
}

function configCard(parts: OperatorParts) {
  const { revision, loadedAt, lastError, restartNeeded } = parts.configStatus()
  const problem =
    lastError === undefined
      ? undefined
      : {
          text: TEXTS.reloadRefused,
          place: placeOf(lastError),
          message: `${lastError.message} (${timeView(lastError.at).text})`,
        }
  const facts: Fact[] = [
    { name: TEXTS.revision, text: revision },
    { name: TEXTS.loadedAt, text: timeView(loadedAt).text },
  ]
  if (problem === undefined) {
    facts.push({ name: TEXTS.lastReload, text: TEXTS.reloadGood, mark: 'good' })
  }
  if (restartNeeded.length > 0) {
    facts.push({ name: TEXTS.restartNeeded, text: restartNeeded.join(', '), mark: 'warn' })
  }
  return { id: 'config', title: TEXTS.config, problem, facts }
}

function placeOf(at: { readonly file: string; readonly line: number; readonly column: number }) {
  return formatProblem({ ...at, severity: 'error', message: '' }).replace(/: $/, '')
}

/** One gateway from what its processes know: trouble of one is trouble. */
function mergeHealth(all: readonly (readonly ProviderHealth[])[]): readonly ProviderHealth[] {
  const merged = new Map<string, ProviderHealth>()
  for (const one of all.flat()) {
    const known = merged.get(one.name)
    merged.set(one.name, known === undefined ? one : worse(known, one))
  }
  return [...merged.values()]
}

function worse(one: ProviderHealth, other: ProviderHealth): ProviderHealth {
  return {
    ...one,
    ready: one.ready && other.ready,
    lastError: one.lastError ?? other.lastError,
    directory: joinDirectories(one.directory, other.directory),
  }
}

function joinDirectories(
  one: DirectoryHealth | undefined,
  other: DirectoryHealth | undefined,
): DirectoryHealth | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const left = [one.callsLeft, other.callsLeft].filter((count) => count !== undefined)
  const isLater = (other.lastCall?.at ?? 0) > (one.lastCall?.at ?? 0)
  return {
    lastCall: isLater ? other.lastCall : one.lastCall,
    callsLeft: left.length === 0 ? undefined : Math.min(...left),
    oldestInUseMs: Math.max(one.oldestInUseMs, other.oldestInUseMs),
  }
}

function providerView(
  { name, issuer, ready, lastError, directory }: ProviderHealth,
  { snapshot }: OperatorParts,
) {
  const isUnused = !ready && lastError === undefined
  return {
    name,
    issuer,
    loginUrl: `${snapshot().config.server.public_url}/.gatehouse/login/${name}`,
    mark: isUnused ? 'plain' : ready ? 'good' : 'bad',
    state: isUnused ? TEXTS.unusedYet : ready ? TEXTS.good : TEXTS.bad,
    error: lastError,
    directory: directory === undefined ? undefined : directoryView(directory),
  }
}

const GOOD_RESULTS: ReadonlySet<string> = new Set(['ok', 'not_found'])

function directoryView({ lastCall, callsLeft, oldestInUseMs }: DirectoryHealth) {
  const isGood = lastCall !== undefined && GOOD_RESULTS.has(lastCall.result)
  return {
    mark: lastCall === undefined ? 'plain' : isGood ? 'good' : 'bad',
    state: lastCall === undefined ? TEXTS.unusedYet : isGood ? TEXTS.good : TEXTS.bad,
    lines: [
      ...(lastCall === undefined
        ? []
        : [TEXTS.lastAnswer(lastCall.result.replace('_', ' '), timeView(lastCall.at).text)]),
      ...(callsLeft === undefined ? [] : [TEXTS.callsLeft(callsLeft)]),
      ...(oldestInUseMs === 0 ? [] : [TEXTS.oldestAnswer(Math.round(oldestInUseMs / 1_000))]),
    ],
  }
}
