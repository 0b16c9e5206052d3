/** Which of a route's upstreams gets the next request: those that are well, in turn or the least busy, by their weights. */

import type { UpstreamTargets, WeightedUrl } from '../../policy/route.ts'
import type { Endpoint } from './endpoint.ts'

/** One upstream of a route. */
export interface Target {
  readonly url: WeightedUrl
  readonly endpoint: Endpoint
  /** What the health check last found; true without one. */
  isHealthy(): boolean
}

export interface Balancer {
  /** The target for a request; `undefined` where all have been `tried`. */
  pick(tried?: ReadonlySet<Target>): Target | undefined
}

/** @param targets at least one */
export function createBalancer(
  targets: readonly Target[],
  policy: UpstreamTargets['policy'],
): Balancer {
  const [only] = targets
  if (only !== undefined && targets.length === 1) {
    return { pick: (tried) => (tried?.has(only) ? undefined : only) }
  }
  const choose = policy === 'LEAST_REQUEST' ? leastBusy() : inTurn(targets)
  return {
    pick: (tried) => {
      const left = tried === undefined ? targets : targets.filter((target) => !tried.has(target))
      const well = left.filter(isWell)
      // Where none is well the checks may be what is wrong: an app that may answer is asked.
      return choose(well.length > 0 ? well : left)
    },
  }
}

function isWell(target: Target): boolean {
  return target.isHealthy() && !target.endpoint.isPaused()
}

type Choice = (from: readonly Target[]) => Target | undefined

/** Each in turn as often as its weight says, evenly spread: the largest credit is served and pays for all. */
function inTurn(targets: readonly Target[]): Choice {
  const credits = new Map(targets.map((target) => [target, 0]))
  return (from) => {
    let best: Target | undefined
    let bestCredit = Number.NEGATIVE_INFINITY
    let total = 0
    for (const target of from) {
      const credit = (credits.get(target) ?? 0) + target.url.weight
      credits.set(target, credit)
      total += target.url.weight
      if (credit > bestCredit) {
        best = target
        bestCredit = credit
      }
    }
    if (best !== undefined) credits.set(best, bestCredit - total)
    return best
  }
}

/** The one with the fewest requests under way for its weight; of equals each in turn. */
function leastBusy(): Choice {
  let start = 0
  return (from) => {
    let best: Target | undefined
    let least = Number.POSITIVE_INFINITY
    start++
    for (let i = 0; i < from.length; i++) {
      const target = from[(start + i) % from.length] as Target
      const load = (target.endpoint.inFlight + 1) / target.url.weight
      if (load < least) {
        best = target
        least = load
      }
    }
    return best
  }
}
