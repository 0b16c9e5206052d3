/** `/.gatehouse/`: who I am, my groups, my sessions, and what I may open, by the very decision that will be made there. */

import type { LiveSession, SessionCard } from '../identity/session.ts'
import { type PortalApp, type PortalView, renderPortal, renderSites } from '../pages/portal.ts'
import { SITES_PART } from '../pages/portal-script.ts'
import { renderJson } from '../pages/render.ts'
import { renderNobody } from '../pages/sign-in-pages.ts'
import { byName, listSites } from '../pages/sites.ts'
import { decide } from '../policy/decide.ts'
import { ANONYMOUS, type Facts } from '../policy/model.ts'
import type { Route } from '../policy/route.ts'
import { formTargets } from './form-targets.ts'
import { failure, type Reaction } from './reaction.ts'
import { openWithGroups } from './session-cookie.ts'
import { NO_WISHES, signInUrl } from './sign-in-url.ts'
import { OWN_PAGE_PATH, SIGN_OUT_PATH } from './sign-out.ts'
import { iso, USER_PATH, userFields } from './user.ts'
import { single, type Visit } from './visit.ts'

type ListedSession = { readonly id: string } & SessionCard

export async function portal(visit: Visit): Promise<Reaction> {
  const session = await openWithGroups(visit)
  if (session !== undefined) return ownPage(visit, session, visit.pageVisit ? 'page' : 'json')
  const { requestId, head } = visit
  const target = { kind: 'here', url: OWN_PAGE_PATH } as const
  if (visit.pageVisit) {
    const signIn = signInUrl('', target, NO_WISHES)
    return renderNobody({ requestId, head, signInUrl: signIn }, visit.brand)
  }
  return failure(visit, 'SIGN_IN_REQUIRED', {
    loginUrl: signInUrl(visit.origin, { ...target, url: visit.origin + OWN_PAGE_PATH }, NO_WISHES),
  })
}

/** The own page of somebody who is signed in, or its JSON twin. */
export async function ownPage(
  visit: Visit,
  session: LiveSession,
  form: 'page' | 'json',
): Promise<Reaction> {
  visit.sessions.seen(session)
  const { record, subject } = session
  const listed = await visit.sessions.listOf(record.provider, record.sub)
  const sessions = listed
    .map((card) => ({ ...card, current: card.id === session.id }))
    .sort((a, b) => Number(b.current) - Number(a.current) || b.lastSeenAt - a.lastSeenAt)
  const isPart = single(visit.query, 'part') === SITES_PART
  const { table } = visit.snapshot
  const apps = openApps(visit, session, form === 'page' || isPart ? sorted(table) : table.routes)
  if (form === 'json' && !isPart) return asJson(visit, session, sessions, apps)
  const view: PortalView = {
    person: subject,
    listing: listSites(apps, single(visit.query, 'q'), single(visit.query, 'page')),
    sessions,
    ownUrl: OWN_PAGE_PATH,
    userUrl: USER_PATH,
    switchUrl: signInUrl('', { kind: 'here', url: OWN_PAGE_PATH }, { ...NO_WISHES, renew: true }),
    signOutUrl: SIGN_OUT_PATH,
    // Where the provider ends its own session is not known without asking, but it lies where its issuer does.
    leadsTo: formTargets(visit, [visit.providers.get(record.provider)?.issuer]),
    requestId: visit.requestId,
    head: visit.head,
  }
  return isPart ? renderSites(view) : renderPortal(view, visit.brand)
}

function asJson(
  visit: Visit,
  session: LiveSession,
  sessions: readonly (ListedSession & { readonly current: boolean })[],
  apps: readonly PortalApp[],
): Reaction {
  const value = {
    ...userFields(visit, session),
    sessions: sessions.map((listed) => ({
      id: listed.id,
      current: listed.current,
      provider: listed.provider,
      signed_in_at: iso(listed.signedInAt),
      last_seen_at: iso(listed.lastSeenAt),
      expires_at: iso(listed.expiresAt),
      address: listed.address,
      user_agent: listed.userAgent,
    })),
    apps: apps.map(({ name, url, description }) => ({
      name,
      url,
      description: description ?? null,
    })),
  }
  return renderJson(200, value, visit.head)
}

const known = new WeakMap<object, readonly Route[]>()

/**
 * Sorted once for each table: of thousands of routes that takes longer than all the rest, and whoever is signed in may
 * ask for the page as often as they like.
 */
function sorted(table: Visit['snapshot']['table']): readonly Route[] {
  const routes = known.get(table) ?? [...table.routes].sort(byName)
  known.set(table, routes)
  return routes
}

/** What a GET of its front would be let into now. A route of many hosts or paths has no address to show. */
function openApps(
  visit: Visit,
  session: LiveSession,
  routes: readonly Route[],
): readonly PortalApp[] {
  return routes.flatMap((route) => {
    const path = frontPath(visit, route)
    if (path === undefined) return []
    const facts: Facts = {
      method: 'GET',
      path,
      sourceIp: visit.clientAddress,
      rawHeaders: visit.rawHeaders,
      now: visit.now(),
      clientCertificate: undefined,
    }
    // Where a route insists on another provider, this session is none.
    const isSession = route.provider === undefined || route.provider === session.record.provider
    const { outcome } = decide(route.policy, facts, isSession ? session.subject : ANONYMOUS)
    if (outcome !== 'allow' && !route.reportOnly) return []
    const url = route.origin + encodePath(path, route.keepEncodedSlashes)
    return [{ name: route.name, url, description: route.description, logoUrl: route.logoUrl }]
  })
}

/** The decoded path at which `route` begins, unless another route takes that. */
function frontPath(visit: Visit, route: Route): string | undefined {
  const { host, path } = route.match
  if (host.kind !== 'exact' || path.kind === 'regex') return undefined
  // A fixed text is no app.
  if (route.ownAnswer?.kind === 'response') return undefined
  const front = path.kind === 'path' ? path.path : path.prefix
  return visit.snapshot.table.host(host.name)?.match(front) === route ? front : undefined
}

/** Where a host keeps encoded slashes, they stand encoded in the decoded path too, and so does `%`. */
function encodePath(decoded: string, keepsEncoded: boolean): string {
  const encoded = decoded.split('/').map(encodeURIComponent).join('/')
  return keepsEncoded ? encoded.replace(/%25(2F|5C|25)/g, '%$1') : encoded
}
