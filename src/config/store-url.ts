/** `session.store` read: memory, a file, or Redis by URL. Pure; nothing of the text comes back in a message, for its password. */

import { isIPv6 } from 'node:net'
import { isAbsolute, resolve } from 'node:path'
import { Secret } from '../support/secret.ts'

export interface StoreNode {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

interface RedisAccess {
  readonly kind: 'redis'
  readonly tls: boolean
  /** Undefined: Redis's `default` user. */
  readonly username: string | undefined
  readonly password: Secret | undefined
}

/** Redis as one server, as a primary that Sentinels know, or as a cluster. */
export type RedisLocation = RedisAccess &
  (
    | { readonly mode: 'single'; readonly node: StoreNode; readonly db: number }
    | {
        readonly mode: 'sentinel'
        readonly sentinels: readonly StoreNode[]
        /** Under which the Sentinels know the primary. */
        readonly name: string
        readonly db: number
        readonly sentinelPassword: Secret | undefined
      }
    | { readonly mode: 'cluster'; readonly nodes: readonly StoreNode[] }
  )

/** Where sessions are kept. */
export type StoreLocation =
  | { readonly kind: 'memory' }
  /** `file` is absolute. */
  | { readonly kind: 'sqlite'; readonly file: string }
  | RedisLocation

/** Why `session.store` cannot be used, to stand after its name. */
export class BadStoreUrl extends Error {}

const REDIS_PORT = 6379
const SENTINEL_PORT = 26379
const SCHEME = /^redis(s)?(?:-(sentinel|cluster))?:\/\//
/** Scheme, authority, path, query: split before any URL parser sees it, since that refuses two hosts with ports. */
const PARTS = /^([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/

/** @throws BadStoreUrl @param folder where relative paths start */
export function readStoreUrl(text: string, folder: string): StoreLocation {
  if (text === 'memory:') return { kind: 'memory' }
  const file = sqliteFile(text)
  if (file !== undefined) return { kind: 'sqlite', file: resolve(folder, file) }
  const scheme = SCHEME.exec(text)
  if (scheme === null) {
    throw new BadStoreUrl(
      'must be `memory:`, `sqlite:///ABSOLUTE`, `sqlite:RELATIVE` or a Redis URL such as `redis://user:pass@host:6379/0`',
    )
  }
  return readRedisUrl(text.slice(scheme[0].length), scheme[1] !== undefined, scheme[2])
}

function sqliteFile(text: string): string | undefined {
  const absolute = /^sqlite:\/\/(\/[^/].*)$/.exec(text)?.[1]
  if (absolute !== undefined) return absolute
  const relative = /^sqlite:([^/].*)$/.exec(text)?.[1]
  return relative === undefined || isAbsolute(relative) ? undefined : relative
}

function readRedisUrl(rest: string, tls: boolean, mode: string | undefined): RedisLocation {
  const parts = PARTS.exec(rest)
  if (parts === null) throw new BadStoreUrl('has a `#`; in a password write it as `%23`')
  const [, authority = '', path = '', query = ''] = parts
  const at = authority.lastIndexOf('@')
  const access = { kind: 'redis', tls, ...readUser(authority.slice(0, Math.max(0, at))) } as const
  const hosts = authority.slice(at + 1).split(',')
  switch (mode) {
    case 'sentinel': {
      const sentinels = hosts.map((host) => readNode(host, SENTINEL_PORT))
      const [name = '', ...db] = path.split('/')
      if (name === '') {
        throw new BadStoreUrl(
          'needs the name under which the Sentinels know the primary: `redis-sentinel://h1:26379,h2:26379/NAME`',
        )
      }
      const sentinelPassword = readSentinelPassword(query)
      return {
        ...access,
        mode,
        sentinels,
        name: decode(name),
        db: readDb(db.join('/')),
        sentinelPassword,
      }
    }
    case 'cluster':
      refuseQuery(query)
      if (path !== '') throw new BadStoreUrl('takes no database: a cluster has only the first one')
      return { ...access, mode, nodes: hosts.map((host) => readNode(host, REDIS_PORT)) }
    default: {
      refuseQuery(query)
      const [host = '', ...more] = hosts
      if (more.length > 0) {
        throw new BadStoreUrl(
          'names several hosts; for these write `redis-sentinel://` or `redis-cluster://`',
        )
      }
      return { ...access, mode: 'single', node: readNode(host, REDIS_PORT), db: readDb(path) }
    }
  }
}

function readUser(text: string): Pick<RedisAccess, 'username' | 'password'> {
  if (text === '') return { username: undefined, password: undefined }
  const colon = text.indexOf(':')
  const username = decode(colon === -1 ? text : text.slice(0, colon))
  const password = colon === -1 ? '' : decode(text.slice(colon + 1))
  if (password === '') throw new BadStoreUrl('names a user without a password: `user:pass@`')
  return { username: username === '' ? undefined : username, password: new Secret(password) }
}

function readNode(text: string, defaultPort: number): StoreNode {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?$/.exec(text)
  const [, inBrackets, plain = '', digits] = match ?? []
  const port = digits === undefined ? defaultPort : Number(digits)
  const isAddress = inBrackets === undefined || isIPv6(inBrackets)
  if (match === null || !isAddress || port === 0 || port > 65_535) {
    throw new BadStoreUrl(
      'has a host that is none; write `host:port`, and `/`, `?`, `#`, `@` and `%` in a password as `%2F`, `%3F`, `%23`, `%40`, `%25`',
    )
  }
  return { host: inBrackets ?? plain, port }
}

function readDb(path: string): number {
  if (path === '') return 0
  if (!/^[0-9]{1,5}$/.test(path))
    throw new BadStoreUrl('has a database that is no number: `/0` is the first one')
  return Number(path)
}

function readSentinelPassword(query: string): Secret | undefined {
  if (query === '') return undefined
  const value = /^sentinel_password=([^&]+)$/.exec(query)?.[1]
  if (value === undefined) {
    throw new BadStoreUrl('takes no parameter but `?sentinel_password=`')
  }
  return new Secret(decode(value))
}

function refuseQuery(query: string): void {
  if (query !== '') throw new BadStoreUrl('takes no parameters; `?` in a password is written `%3F`')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new BadStoreUrl('has a `%` that begins no escape; write it as `%25`')
  }
}
