/** The own page: who I am, what I may open, my groups, my sessions. Never a token. */

import type { Person } from '../policy/model.ts'
import type { EpochMs } from '../support/time.ts'
import type { RenderedAnswer } from './answer.ts'
import type { Brand } from './brand.ts'
import { browserName } from './browser-name.ts'
import { PORTAL_SCRIPT_PATH } from './portal-script.ts'
import { markup, renderPage, renderPart } from './render.ts'
import { type Listing, type PortalApp, SITES_ON_A_PAGE, siteView } from './sites.ts'
import { TEXTS } from './texts.ts'
import { href, initialsOf, personView, timeView } from './views.ts'

export interface PortalSession {
  readonly id: string
  readonly current: boolean
  readonly signedInAt: EpochMs
  readonly lastSeenAt: EpochMs
  readonly expiresAt: EpochMs
  readonly address: string
  readonly userAgent: string
}

export interface PortalView {
  readonly person: Person
  readonly listing: Listing
  readonly sessions: readonly PortalSession[]
  /** Where the search goes, and where the pages of the list are. */
  readonly ownUrl: string
  readonly switchUrl: string
  /** Where it is asked before, and where forms go that end one session or all. */
  readonly signOutUrl: string
  /** All that is known of the person, as JSON. */
  readonly userUrl: string
  /** Origins that a sign-out may lead to: browsers hold redirects after a form against `form-action`. */
  readonly leadsTo: readonly string[]
  readonly requestId: string
  readonly head: boolean
}

/** More would make the page heavy; the JSON twin has all. */
const GROUPS_SHOWN = 60
const SESSIONS_SHOWN = 10

export function renderPortal(view: PortalView, brand: Brand): RenderedAnswer {
  const { listing, sessions } = view
  const person = personView(view.person)
  const part = siteView(listing, view.ownUrl)
  return renderPage(
    {
      template: 'portal',
      title: TEXTS.portalTitle,
      wide: true,
      requestId: view.requestId,
      head: view.head,
      imageOrigins: listing.logoOrigins,
      formAction: ["'self'", ...view.leadsTo],
      ...(listing.all > SITES_ON_A_PAGE / 2 ? { script: PORTAL_SCRIPT_PATH } : {}),
      view: {
        person,
        initials: initialsOf(person.label),
        count: part.count,
        part: markup('sites', part),
        query: listing.query,
        ownUrl: view.ownUrl,
        ...groupsView(view.person),
        userUrl: view.userUrl,
        sessions: sessions.slice(0, SESSIONS_SHOWN).map(sessionView),
        otherSessions: Math.max(0, sessions.length - SESSIONS_SHOWN),
        switchUrl: href(view.switchUrl),
        signOutUrl: href(view.signOutUrl),
      },
    },
    brand,
  )
}

/** The list of sites alone, for the script. */
export function renderSites({ listing, ownUrl, head }: PortalView): RenderedAnswer {
  return renderPart('sites', siteView(listing, ownUrl), head)
}

function groupsView({ groups }: Person) {
  const names = groups.list.map((group) => group.name ?? group.id ?? '').sort()
  return {
    groups: names.slice(0, GROUPS_SHOWN),
    otherGroups: Math.max(0, names.length - GROUPS_SHOWN),
    groupsComplete: groups.complete,
  }
}

function sessionView(session: PortalSession) {
  return {
    id: session.id,
    current: session.current,
    browser: browserName(session.userAgent),
    address: session.address,
    signedInAt: timeView(session.signedInAt),
    lastSeenAt: timeView(session.lastSeenAt),
    expiresAt: timeView(session.expiresAt),
  }
}

export type { PortalApp }
