/**
 * Who may see the operator's pages. Browsers bring the token by HTTP Basic: unlike a cookie it is bound to the scheme, the
 * host and the port, so that nothing else on this machine is ever sent it.
 */

import type { FastifyRequest } from 'fastify'

/** The token that a browser or a program brings: the password of Basic (RFC 7617), or a Bearer token. */
export function broughtToken(authorization: string | undefined): string | undefined {
  const [, scheme = '', value = ''] = /^(Basic|Bearer) +(\S+)$/i.exec(authorization ?? '') ?? []
  if (scheme.toLowerCase() === 'bearer') return value
  if (scheme.toLowerCase() !== 'basic') return undefined
  const pair = Buffer.from(value, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  // Whoever asks is called as they like: there is one token.
  return colon === -1 ? undefined : pair.slice(colon + 1)
}

/**
 * Browsers send Basic credentials with every request to where they once did, whoever makes it: a form counts only from a
 * page of ours. `Sec-Fetch-Site` cannot be forged by a page; a browser that does not send it sends `Origin` with a POST,
 * and a foreign one has been refused before.
 */
export function isFromOwnPage({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  return headers.origin !== undefined && headers.origin !== 'null'
}
