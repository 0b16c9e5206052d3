/** Who is signed in, found by any word, and the end of a session or of all of one person. */

import type { ListedSession } from '../../identity/sessions.ts'
import { browserName } from '../../pages/browser-name.ts'
import { OPERATOR_PATHS, type OperatorPage, paged } from '../../pages/operator-page.ts'
import { OPERATOR_TEXTS as TEXTS } from '../../pages/operator-texts.ts'
import { timeView } from '../../pages/views.ts'
import type { OperatorParts } from './operator-parts.ts'

const SESSIONS_ON_A_PAGE = 50

/** @throws GatehouseError STORE_UNAVAILABLE */
export async function liveSessions(
  parts: OperatorParts,
  query: URLSearchParams,
): Promise<Omit<OperatorPage, 'requestId'>> {
  const asked = (query.get('q') ?? '').trim()
  const words = asked.toLowerCase().split(/\s+/)
  const found = (await parts.sessions.list())
    .filter((session) => words.every((word) => searched(session).includes(word)))
    .sort((one, other) => other.lastSeenAt - one.lastSeenAt)
  const action = OPERATOR_PATHS.sessions
  const { items, pager } = paged(
    found,
    SESSIONS_ON_A_PAGE,
    query.get('page') ?? undefined,
    (page) => `${action}?${new URLSearchParams({ q: asked, page: String(page) })}`,
  )
  return sessionsPage({
    ...{ query: asked, pager },
    count: TEXTS.sessionsCount(found.length),
    rows: items.map(rowOf),
    done: doneText(query.get('ended')),
    endAll: onlyUser(asked, found),
  })
}

/** The page of a store that does not answer. @param problem a sentence for people */
export function sessionsPage(
  view: Readonly<Record<string, unknown>>,
  status = 200,
): Omit<OperatorPage, 'requestId'> {
  const common = { action: OPERATOR_PATHS.sessions, filterLabel: TEXTS.filterSessions, query: '' }
  return {
    tab: 'sessions',
    template: 'operatorSessions',
    title: TEXTS.sessions,
    status,
    view: { ...common, count: TEXTS.sessions, ...view },
  }
}

function searched({ email = '', sub, provider, address }: ListedSession): string {
  return `${email} ${sub} ${provider} ${address}`.toLowerCase()
}

/** A number that came by an address is shown as that and nothing else. */
function doneText(ended: string | null): string | undefined {
  return ended !== null && /^\d{1,7}$/.test(ended) ? TEXTS.ended(Number(ended)) : undefined
}

/** Where somebody is looked for by their whole name all of their sessions can be ended at once. */
function onlyUser(asked: string, found: readonly ListedSession[]) {
  const isWhole = ({ email, sub }: ListedSession) =>
    email?.toLowerCase() === asked.toLowerCase() || sub === asked
  if (asked === '' || found.length === 0 || !found.every(isWhole)) return undefined
  return { user: asked, text: TEXTS.endAllOf(asked) }
}

function rowOf(session: ListedSession) {
  const { id, sub, email, provider, method, address, userAgent } = session
  const device = browserName(userAgent)
  const who = email ?? sub
  return {
    ...{ id, who, device, address },
    detail: [email === undefined ? undefined : sub, provider, method]
      .filter((text) => text !== undefined && text !== '')
      .join(', '),
    signedIn: timeView(session.signedInAt),
    lastSeen: timeView(session.lastSeenAt),
    ends: timeView(session.expiresAt),
    endLabel: TEXTS.endOf(who, device),
  }
}
