/** A program that a bench run measures, and the request by which it is measured. */

import type { Pinned } from './processes.ts'

export interface Candidate {
  readonly name: string
  readonly process: Pinned
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

export const HOST = 'app7.localhost'

/** As a browser sends them. */
export const BROWSER_HEADERS: Readonly<Record<string, string>> = {
  Host: HOST,
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language': 'en-US,en;q=0.5',
  'Accept-Encoding': 'gzip, deflate, br',
  Referer: `http://${HOST}/d/abc?orgId=1`,
  'Sec-Fetch-Dest': 'document',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Site': 'same-origin',
}

export function pageUrl(port: number, scheme: 'http' | 'https' = 'http'): string {
  return `${scheme}://127.0.0.1:${port}/api/dashboards/uid/abc?from=now-6h&to=now`
}
