/**
 * What happens to each request header on its way upstream, decided once per spelling of its name.
 * A header line then costs one look-up, whoever wrote it.
 */

import type { Config } from '../config/schema.ts'
import type { Route } from '../policy/route.ts'
import { isToken } from '../routing/canonical.ts'
import { plainName } from '../support/header-name.ts'

/** What a header line means to us. */
export type HeaderUse =
  | 'pass'
  /** Hop-by-hop, rebuilt by us, or a name under which only we may speak. */
  | 'drop'
  /** No token, which no two readers take alike. RFC 9110 §5.1 */
  | 'no-name'
  | 'host'
  | 'cookie'
  | 'connection'
  | 'content-length'
  | 'transfer-encoding'
  | 'expect'
  | 'upgrade'
  | 'authorization'
  | 'forwarded-for'
  | 'request-id'
  | 'te'
  | 'trailer'

export interface HeaderPlan {
  use(name: string): HeaderUse
}

/** A map: `constructor` is a header name too, and means nothing here. */
const MEANINGS: ReadonlyMap<string, HeaderUse> = new Map<string, HeaderUse>(
  Object.entries({
    host: 'host',
    cookie: 'cookie',
    authorization: 'authorization',
    connection: 'connection',
    'content-length': 'content-length',
    'transfer-encoding': 'transfer-encoding',
    expect: 'expect',
    'x-forwarded-for': 'forwarded-for',
    'x-request-id': 'request-id',
    // Of one connection only. RFC 9110 §7.6.1
    'keep-alive': 'drop',
    'proxy-connection': 'drop',
    'proxy-authenticate': 'drop',
    'proxy-authorization': 'drop',
    te: 'te',
    trailer: 'trailer',
    upgrade: 'upgrade',
    'http2-settings': 'drop',
    // Set anew by us, or dropped because nobody vouches for it. RFC 7239
    forwarded: 'drop',
    'x-forwarded-proto': 'drop',
    'x-forwarded-host': 'drop',
    'x-forwarded-port': 'drop',
    // Some apps let these replace the path or the method that they were asked by, which is what was judged.
    'x-original-url': 'drop',
    'x-original-uri': 'drop',
    'x-original-method': 'drop',
    'x-rewrite-url': 'drop',
    'x-forwarded-uri': 'drop',
    'x-forwarded-method': 'drop',
    'x-http-method-override': 'drop',
    'x-http-method': 'drop',
    'x-method-override': 'drop',
  } as const),
)

/** Names under which apps believe an identity, whoever set it. */
const IDENTITY_NAMES = [
  'x-forwarded-user',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-preferred-username',
  'x-forwarded-access-token',
  'remote-user',
  'remote-email',
  'remote-groups',
  'remote-name',
]
const IDENTITY_PREFIXES = ['x-gatehouse-', 'x-pomerium-', 'x-auth-request-']

/** Spellings that are remembered; past this a flood of invented names costs time, not memory. */
const MAX_SPELLINGS = 2_000
/** Longer names than any in use are not remembered either. */
const MAX_REMEMBERED_LENGTH = 64

/** @param routes those whose own `identity_headers` names are scrubbed as well, on all routes */
export function compileHeaderPlan(
  identity: Config['identity_headers'],
  routes: readonly Pick<Route, 'identityHeaders'>[] = [],
): HeaderPlan {
  const reserved = new Set(IDENTITY_NAMES)
  for (const name of Object.keys(identity.headers)) reserved.add(plainName(name))
  reserved.add(plainName(identity.assertion))
  for (const { identityHeaders } of routes) {
    for (const name of identityHeaders?.headers?.keys() ?? []) reserved.add(plainName(name))
  }
  const uses = new Map<string, HeaderUse>()
  return {
    use: (name) => {
      const known = uses.get(name)
      if (known !== undefined) return known
      const use = meaningOf(name, reserved)
      if (uses.size < MAX_SPELLINGS && name.length <= MAX_REMEMBERED_LENGTH) uses.set(name, use)
      return use
    },
  }
}

function meaningOf(name: string, reserved: ReadonlySet<string>): HeaderUse {
  if (!isToken(name)) return 'no-name'
  const meaning = MEANINGS.get(name.toLowerCase())
  if (meaning !== undefined) return meaning
  const plain = plainName(name)
  if (reserved.has(plain) || IDENTITY_PREFIXES.some((prefix) => plain.startsWith(prefix)))
    return 'drop'
  // `X_Forwarded_For` reaches a CGI app under the same name as ours.
  return MEANINGS.has(plain) ? 'drop' : 'pass'
}
