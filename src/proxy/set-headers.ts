/** Headers that a route sets by `set_request_headers`, with what is known of the session filled in. */

import type { Config } from '../config/schema.ts'
import type { LiveSession, SessionTokens } from '../identity/session.ts'
import type { HeaderPart, Route } from '../policy/route.ts'
import { plainName } from '../support/header-name.ts'
import { headerValue, tokenText } from './header-value.ts'
import { claimValue, identityNames, NAMED_CLAIMS } from './route-claims.ts'

/** What there is to fill in, besides the claims. */
export interface Known {
  readonly groups: readonly string[]
  readonly assertion: string | undefined
  readonly tokens: SessionTokens | undefined
}

/** The headers that the route sets, but for those that carry an identity already; one with an absent part is absent. */
export function setHeaders(
  config: Config['identity_headers'],
  session: LiveSession,
  route: Route,
  known: Known,
): string[] {
  const taken = identityNames(config, route)
  const headers: string[] = []
  for (const { name, parts } of route.requestHeaders?.set ?? []) {
    if (taken.has(plainName(name))) continue
    const values = parts.map((part) => partValue(name, part, session, known))
    if (!values.includes(undefined)) headers.push(name, values.join(''))
  }
  return headers
}

function partValue(
  header: string,
  part: HeaderPart,
  session: LiveSession,
  { groups, assertion, tokens }: Known,
): string | undefined {
  switch (part.kind) {
    case 'text':
      return part.text
    case 'jwt':
      return assertion
    case 'id_token':
      return tokenText(header, tokens?.idToken)
    case 'access_token':
      return tokenText(header, tokens?.accessToken)
    case 'claim':
      return headerValue(
        header,
        NAMED_CLAIMS.has(part.name)
          ? claimValue(session, part.name, groups)
          : part.lookUp(session.subject.claims),
      )
  }
}

/** What routes set for requests without a session: the values without references. Made once for each route. */
export function createAnonymousHeaders(
  config: Config['identity_headers'],
): (route: Route) => readonly string[] {
  const made = new WeakMap<Route, readonly string[]>()
  return (route) => {
    let headers = made.get(route)
    if (headers === undefined) {
      const taken = identityNames(config, route)
      headers = (route.requestHeaders?.set ?? [])
        .filter(({ name }) => !taken.has(plainName(name)))
        .flatMap(({ name, parts }) => {
          const texts = parts.flatMap((part) => (part.kind === 'text' ? part.text : []))
          return texts.length === parts.length ? [name, texts.join('')] : []
        })
      made.set(route, headers)
    }
    return headers
  }
}
