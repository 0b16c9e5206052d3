/** Attacks that need more than a socket, and so are tests of Gatehouse alone: what for, and where. */

export interface OwnAttacks {
  readonly ids: string
  readonly name: string
  /** Why they are not tried on other proxies. */
  readonly why: string
  readonly tests: readonly string[]
}

export const OWN_ATTACKS: readonly OwnAttacks[] = [
  {
    ids: 'A14, B2, B6 to B11',
    name: 'what trusted proxies say, forward-auth, headers of answers',
    why: 'each proxy has settings of its own for it',
    tests: ['forwarded-headers', 'hostile-upstream'],
  },
  {
    ids: 'C5, C16, C18, C19',
    name: 'letter case of paths, TLS names, patterns, one match for judge and forwarder',
    why: 'options of routes, or the inside of the matcher',
    tests: ['path-and-host'],
  },
  {
    ids: 'D1 to D4, D6 to D25',
    name: 'the sign-in',
    why: 'the provider has to misbehave',
    tests: ['sign-in'],
  },
  {
    ids: 'F2, F3, F5 to F17',
    name: 'ends of sessions, refresh, the store',
    why: 'the store, the clock and the provider are a part of it',
    tests: ['sessions', 'refresh'],
  },
  {
    ids: 'G1 to G5, G7, G9 to G14',
    name: 'mistakes in policies, outages, preflights, bearer tokens',
    why: 'the policy language and its data sources',
    tests: ['policy'],
  },
  {
    ids: 'H4, H5, H7, H11, H12',
    name: 'origins and ends of WebSockets, slow clients, floods of HTTP/2, log lines',
    why: 'limits and policies that each proxy has in other units',
    tests: ['http-layer', 'http2', 'web-sockets'],
  },
]
