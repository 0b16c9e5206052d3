/** The own page: who I am, what I may open, my groups, my sessions. Never a token. */

import type { Person } from '../policy/model.ts'
import type { EpochMs } from '../support/time.ts'
import type { RenderedAnswer } from './answer.ts'
import type { Brand } from './brand.ts'
import { renderPage } from './render.ts'
import { TEXTS } from './texts.ts'
import { href, personView, timeView } from './views.ts'

export interface PortalApp {
  readonly name: string
  readonly url: string
  readonly description: string | undefined
  /** An https URL. */
  readonly logoUrl?: string | undefined
}

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
  readonly apps: readonly PortalApp[]
  readonly sessions: readonly PortalSession[]
  readonly switchUrl: string
  /** Where it is asked before, and where forms go that end one session or all. */
  readonly signOutUrl: string
  /** Origins that a sign-out may lead to: browsers hold redirects after a form against `form-action`. */
  readonly leadsTo: readonly string[]
  readonly requestId: string
  readonly head: boolean
}

export function renderPortal(view: PortalView, brand: Brand): RenderedAnswer {
  const groups = view.person.groups
  return renderPage(
    {
      template: 'portal',
      title: TEXTS.portalTitle,
      wide: true,
      requestId: view.requestId,
      head: view.head,
      imageOrigins: originsOf(view.apps),
      formAction: ["'self'", ...view.leadsTo],
      view: {
        person: personView(view.person),
        apps: view.apps.map((app) => ({
          href: href(app.url),
          name: app.name,
          detail: app.description ?? app.url,
          logo: app.logoUrl,
        })),
        groups: groups.list.map((group) => group.name ?? group.id ?? '').sort(),
        groupsComplete: groups.complete,
        sessions: view.sessions.map((session) => ({
          id: session.id,
          current: session.current,
          browser: browserName(session.userAgent),
          address: session.address,
          signedInAt: timeView(session.signedInAt),
          lastSeenAt: timeView(session.lastSeenAt),
          expiresAt: timeView(session.expiresAt),
        })),
        switchUrl: href(view.switchUrl),
        signOutUrl: href(view.signOutUrl),
      },
    },
    brand,
  )
}

/** The page may load the logos that it shows, and nothing else. */
function originsOf(apps: readonly PortalApp[]): readonly string[] {
  return [...new Set(apps.flatMap(({ logoUrl }) => (logoUrl ? new URL(logoUrl).origin : [])))]
}

/** Enough for a person to tell devices apart; it decides nothing. Order matters: Edge calls itself Chrome, Chrome Safari. */
const BROWSERS = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bHeadlessChrome\/|\bChrom(?:e|ium)\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
] as const
const SYSTEMS = [
  [/\bAndroid\b/, 'Android'],
  [/\biPhone\b|\biPad\b/, 'iOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
] as const

function browserName(userAgent: string): string {
  const browser = BROWSERS.find(([pattern]) => pattern.test(userAgent))?.[1]
  const system = SYSTEMS.find(([pattern]) => pattern.test(userAgent))?.[1]
  if (browser === undefined) return userAgent.slice(0, 80).trim() || TEXTS.unknownBrowser
  return system === undefined ? browser : `${browser}, ${system}`
}
