/** The sites on the own page: found by what somebody looks for, sorted, a page of them at a time. */

import { TEXTS } from './texts.ts'
import { cut, href, initialsOf } from './views.ts'

export interface PortalApp {
  readonly name: string
  readonly url: string
  readonly description: string | undefined
  /** An https URL. */
  readonly logoUrl?: string | undefined
}

/** One page of the sites that were found. */
export interface Listing {
  readonly sites: readonly PortalApp[]
  /** As it was looked for; empty: all. */
  readonly query: string
  /** From 1. */
  readonly page: number
  readonly pages: number
  readonly found: number
  readonly all: number
  /** The page may load the logos that it shows, and those that it may come to show. */
  readonly logoOrigins: readonly string[]
}

export const SITES_ON_A_PAGE = 24
const MAX_QUERY = 100
const MAX_DETAIL = 120
/** They stand in a header, and proxies in front have little room for headers. */
const MAX_ORIGINS = 24

const collator = new Intl.Collator('en', { sensitivity: 'base', numeric: true })

/** The order in which sites are shown. */
export function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return collator.compare(one.name, other.name)
}

/**
 * Page `page` of those of `apps` in which every word of `query` occurs.
 * @param page a number as it was asked for; what is none is the first, what is too high the last
 */
export function listSites(
  apps: readonly PortalApp[],
  query: string | undefined,
  page: string | undefined,
): Listing {
  const asked = (query ?? '').slice(0, MAX_QUERY).trim()
  const words = asked.toLowerCase().split(/\s+/)
  const found = asked === '' ? [...apps] : apps.filter((app) => hasWords(app, words))
  found.sort(byName)
  const pages = Math.max(1, Math.ceil(found.length / SITES_ON_A_PAGE))
  const wanted = /^[1-9]\d{0,5}$/.test(page ?? '') ? Number(page) : 1
  const at = Math.min(wanted, pages)
  const sites = found.slice((at - 1) * SITES_ON_A_PAGE, at * SITES_ON_A_PAGE)
  return {
    sites,
    query: asked,
    page: at,
    pages,
    found: found.length,
    all: apps.length,
    logoOrigins: originsOf([...sites, ...apps]),
  }
}

function hasWords({ name, description = '', url }: PortalApp, words: readonly string[]): boolean {
  const text = `${name} ${description} ${url}`.toLowerCase()
  return words.every((word) => text.includes(word))
}

function originsOf(apps: readonly PortalApp[]): readonly string[] {
  const origins = new Set<string>()
  for (const { logoUrl } of apps) {
    if (logoUrl !== undefined && origins.size < MAX_ORIGINS) origins.add(new URL(logoUrl).origin)
  }
  return [...origins]
}

/** What the template shows of them. */
export function siteView(listing: Listing, ownUrl: string) {
  const { sites, query, page, pages, found, all } = listing
  const pageUrl = (number: number) =>
    `${ownUrl}?${new URLSearchParams({ ...(query === '' ? {} : { q: query }), page: `${number}` })}`
  return {
    sites: sites.map(({ name, url, description, logoUrl }) => ({
      href: href(url),
      name,
      detail: cut(description ?? new URL(url).host, MAX_DETAIL),
      initials: initialsOf(name),
      logo: isShown(logoUrl, listing) ? logoUrl : undefined,
    })),
    count: query === '' ? TEXTS.sitesCount(all) : TEXTS.sitesFound(found, all),
    none: all === 0 ? TEXTS.noApps : TEXTS.noSiteFound,
    page: pages === 1 ? undefined : TEXTS.pageOf(page, pages),
    previous: page > 1 ? pageUrl(page - 1) : undefined,
    next: page < pages ? pageUrl(page + 1) : undefined,
  }
}

/** What the content security policy would hold back is not asked for. */
function isShown(logoUrl: string | undefined, { logoOrigins }: Listing): boolean {
  return logoUrl !== undefined && logoOrigins.includes(new URL(logoUrl).origin)
}
