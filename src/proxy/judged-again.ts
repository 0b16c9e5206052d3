/**
 * An open WebSocket is judged again as a request would be: when its person has become another in what is known of them,
 * when other policies are in force, and now and then, since policies may ask for the time.
 */

import type { IncomingMessage } from 'node:http'
import { GatehouseError } from '../errors.ts'
import type { LiveSession } from '../identity/session.ts'
import type { ResolveGroups } from '../identity/session-groups.ts'
import type { Sessions } from '../identity/sessions.ts'
import { decide } from '../policy/decide.ts'
import { ANONYMOUS, type Facts, type Person } from '../policy/model.ts'
import type { Route, RouteBearer } from '../policy/route.ts'
import type { Clock, EpochMs } from '../support/time.ts'
import type { CanonicalRequest } from './canonicalize.ts'
import { clientCertificate } from './client-certificate.ts'
import type { DataPlane } from './data-plane.ts'
import { resolveGroupsFor } from './resolve-groups.ts'
import { checkWebSocket } from './web-socket-rules.ts'

/** How soon an open WebSocket follows a criterion of time. */
const EVERY_MS = 10_000

export interface Admission {
  readonly request: IncomingMessage
  readonly reading: CanonicalRequest
  readonly plane: DataPlane
  readonly facts: Facts
  /** As it was opened, before its groups were resolved; `undefined`: nobody in particular. */
  readonly session: LiveSession | undefined
  /** Whom the admission was decided about. */
  readonly person: Person | undefined
}

/** Whether the admission still holds. Synchronous, and little but a comparison, while nothing has changed. */
export type StillHolds = () => boolean | Promise<boolean>

export interface JudgedAgainParts {
  /** The plane in force now. */
  plane(): DataPlane
  readonly resolveGroups: ResolveGroups
  readonly sessions: Pick<Sessions, 'isWithin'>
  readonly now: Clock
}

export function createStillHolds(admission: Admission, parts: JudgedAgainParts): StillHolds {
  const { reading, facts, session, person } = admission
  let { plane } = admission
  let route: Route | undefined = reading.route
  let judged: { readonly subject: Person | undefined; readonly at: EpochMs } | undefined = {
    subject: person,
    at: parts.now(),
  }

  const judge = (known: LiveSession | undefined): boolean => {
    const subject = known?.subject
    const time = parts.now()
    const isSame = judged?.subject === subject && time - (judged?.at ?? 0) < EVERY_MS
    if (isSame) return true
    judged = { subject, at: time }
    if (route === undefined) return false
    if (route.reportOnly) return true
    const certificate = clientCertificate(admission.request.socket, time)
    const asked: Facts = { ...facts, now: time, clientCertificate: certificate }
    const decision = decide(route.policy, asked, subject ?? ANONYMOUS)
    return decision.outcome === 'allow'
  }

  const judgeFor = (known: Route, mine: boolean): boolean | Promise<boolean> => {
    const resolved = resolveGroupsFor(known, mine ? session : undefined, plane, parts.resolveGroups)
    return resolved instanceof Promise ? resolved.then(judge) : judge(resolved)
  }

  return () => {
    const current = parts.plane()
    if (current !== plane) {
      plane = current
      route = routeNow(admission, current)
      judged = undefined
    }
    if (route === undefined) return false
    const admittedBy = reading.route.bearer
    const taker = route
    const mine = session !== undefined && isKnownOn(session, taker, admittedBy)
    if (!mine || taker.session === undefined) return judgeFor(taker, mine)
    const recent = isRecentOn(session, taker, parts.sessions)
    if (!(recent instanceof Promise)) return judgeFor(taker, recent)
    return recent.then((isRecent) => judgeFor(taker, isRecent))
  }
}

/** The route that takes the request now; `undefined` where none does, or none that would open a WebSocket for it. */
function routeNow({ request, reading }: Admission, { table }: DataPlane): Route | undefined {
  const route = table.host(reading.host.name)?.match(reading.path.decoded)
  if (route?.to === undefined) return undefined
  try {
    checkWebSocket(request, { ...reading, route })
    return route
  } catch (error) {
    if (error instanceof GatehouseError) return undefined
    throw error
  }
}

/** Whether the route would take this session, or the token that it came by, from a new request, were it recent enough. */
function isKnownOn(
  { record }: LiveSession,
  { provider, bearer }: Route,
  admittedBy: RouteBearer | undefined,
): boolean {
  if (record.method !== 'bearer') return provider === undefined || provider === record.provider
  return (
    bearer?.provider === record.provider &&
    (admittedBy?.audiences ?? []).every((audience) => bearer.audiences.includes(audience))
  )
}

/** As a new request would find it; a store that cannot tell of uses elsewhere ends nobody. */
function isRecentOn(
  session: LiveSession,
  { session: limits }: Route,
  sessions: Pick<Sessions, 'isWithin'>,
): boolean | Promise<boolean> {
  if (limits === undefined || session.record.method === 'bearer') return true
  const answer = sessions.isWithin(session, limits)
  return answer instanceof Promise ? answer.catch(() => true) : answer
}
