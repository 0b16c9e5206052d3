/**
 * `/.gatehouse/event_hook/NAME`: Okta tells of changed groups and of people who are suspended or gone. It comes at least once,
 * in no order, and not for sure: what it says only makes known sooner what the directory would tell.
 * @see Okta, "Event hooks"
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { Provider } from '../identity/provider/provider.ts'
import { renderJson } from '../pages/render.ts'
import { isMapping } from '../support/mapping.ts'
import { failure, type Reaction } from './reaction.ts'
import { emptyAnswer } from './signal.ts'
import type { Visit } from './visit.ts'

const CHALLENGE = 'x-okta-verification-challenge'
const MAX_CHALLENGE = 1_000
/** Okta tries again once; who holds the secret might later. */
const REMEMBERED_MS = 7 * 24 * 3_600_000

/** Events after which somebody's sessions end. */
const ENDING: ReadonlySet<string> = new Set([
  'user.lifecycle.suspend',
  'user.lifecycle.deactivate',
  'user.lifecycle.delete.initiated',
  'user.session.clear',
  'user.authentication.universal_logout',
])
/** Events after which somebody's groups are asked for anew. */
const CHANGING: ReadonlySet<string> = new Set([
  'group.user_membership.add',
  'group.user_membership.remove',
  'user.lifecycle.unsuspend',
  'user.lifecycle.activate',
])
/** Events that may be about anybody. */
const SWEEPING: ReadonlySet<string> = new Set(['group.lifecycle.delete'])
const UNASSIGNED = 'application.user_membership.remove'

interface HookEvent {
  readonly uuid: string
  readonly type: string
  /** Okta's ids, which are the subjects of its tokens. */
  readonly people: readonly string[]
  readonly apps: readonly string[]
}

/** The check of a new hook: what the header says comes back. */
export async function verifyEventHook(visit: Visit, provider: Provider): Promise<Reaction> {
  const secret = secretOf(visit, provider)
  if (secret === undefined) return failure(visit, 'NO_ROUTE')
  if (visit.authorization !== undefined && !isSame(visit.authorization, secret)) {
    return refused(visit, provider)
  }
  const challenge = headerOf(visit.rawHeaders, CHALLENGE)
  if (challenge === undefined || challenge.length > MAX_CHALLENGE) return malformed(visit)
  return renderJson(200, { verification: challenge }, visit.head)
}

/** @throws GatehouseError STORE_UNAVAILABLE, after which Okta tries again */
export async function takeEvents(visit: Visit, provider: Provider): Promise<Reaction> {
  const secret = secretOf(visit, provider)
  if (secret === undefined) return failure(visit, 'NO_ROUTE')
  if (!isSame(visit.authorization ?? '', secret)) return refused(visit, provider)
  const events = eventsIn(visit.body ?? '')
  if (events === undefined) return malformed(visit)
  // Groups first: that needs no store, and does no harm twice.
  await forgetGroups(visit, provider, events)
  for (const event of events) {
    if (!ends(event, provider)) continue
    const what = `event-hook\n${provider.name}\n${event.uuid}`
    await visit.sessions.once(what, visit.now() + REMEMBERED_MS, () => end(visit, provider, event))
  }
  return emptyAnswer(204)
}

async function forgetGroups(
  visit: Visit,
  { name }: Provider,
  events: readonly HookEvent[],
): Promise<void> {
  const directory = visit.directories.get(name)
  if (directory === undefined) return
  if (events.some(({ type }) => SWEEPING.has(type))) return directory.forgetAll()
  const changed = events.filter(({ type }) => CHANGING.has(type) || ENDING.has(type))
  const people = new Set(changed.flatMap((event) => event.people))
  await Promise.all([...people].map((sub) => directory.forget(sub)))
}

async function end(visit: Visit, { name }: Provider, event: HookEvent): Promise<void> {
  for (const sub of event.people) {
    const sessions = await visit.sessions.endOf(name, 'sub', sub)
    visit.audit({
      event: 'session_ended',
      outcome: 'success',
      by: 'event_hook',
      reason: event.type,
      named_by: 'sub',
      provider: name,
      subject: sub,
      sessions,
    })
  }
}

/** An app's id at Okta is its client id. */
function ends({ type, apps }: HookEvent, { clientId }: Provider): boolean {
  return ENDING.has(type) || (type === UNASSIGNED && apps.includes(clientId))
}

/** `undefined` where the body is no delivery of events; an event that says nothing of use is left out. */
function eventsIn(body: string): readonly HookEvent[] | undefined {
  let delivery: unknown
  try {
    delivery = JSON.parse(body)
  } catch {
    return undefined
  }
  const data = isMapping(delivery) ? delivery['data'] : undefined
  const events = isMapping(data) ? data['events'] : undefined
  if (!Array.isArray(events)) return undefined
  return events.flatMap((event: unknown) => eventFrom(event) ?? [])
}

function eventFrom(event: unknown): HookEvent | undefined {
  if (!isMapping(event)) return undefined
  const { uuid, eventType: type, target } = event
  if (typeof uuid !== 'string' || typeof type !== 'string' || !Array.isArray(target))
    return undefined
  const idsOf = (kind: string) =>
    target.flatMap((item: unknown) =>
      isMapping(item) && item['type'] === kind && typeof item['id'] === 'string' ? item['id'] : [],
    )
  return { uuid, type, people: idsOf('User'), apps: idsOf('AppInstance') }
}

function secretOf({ snapshot }: Visit, { name }: Provider): string | undefined {
  return snapshot.config.providers[name]?.event_hook_secret?.reveal()
}

/** In the same time whatever is sent. */
function isSame(sent: string, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(sent), digest(secret))
}

function refused(visit: Visit, { name }: Provider): Reaction {
  const fields = { request_id: visit.requestId, provider: name, source_ip: visit.clientAddress }
  visit.log.warn(fields, 'an event hook came with a wrong secret')
  visit.audit({
    event: 'signal_refused',
    outcome: 'refused',
    by: 'event_hook',
    reason: 'secret',
    provider: name,
  })
  return failure(visit, 'BAD_TOKEN', { form: 'json' })
}

function malformed(visit: Visit): Reaction {
  return failure(visit, 'MALFORMED_REQUEST', { form: 'json' })
}

function headerOf(rawHeaders: readonly string[], name: string): string | undefined {
  const at = rawHeaders.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name)
  return at === -1 ? undefined : rawHeaders[at + 1]
}
