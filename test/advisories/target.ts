/** A proxy that the attacks are tried on: what they have to know of it, and the set-up that all of them share. */

import type { Person } from '../../src/demo/people.ts'
import type { ByteUpstream } from './byte-upstream.ts'

/**
 * The app, at the address that people know: `/public/` is open, `/admin` and what is below it is for the group
 * `admins`, the rest for whoever is signed in. Whoever has signed in is known on `/public/`, too.
 */
export const APP = 'http://app.localhost:8080'
export const HOST = 'app.localhost'

const person = (id: string, groups: readonly string[], more: Partial<Person> = {}): Person => ({
  id,
  sub: `sub-${id}`,
  name: `${id} Example`,
  preferredUsername: id,
  email: `${id}@example.com`,
  groups,
  about: '',
  ...more,
})

/** `ada` is in `admins`; `mallory` and `spaces` are in groups that only look so; `dora` is in none. */
export const PEOPLE: readonly Person[] = [
  person('ada', ['admins', 'staff']),
  person('mallory', ['Admins', 'admins-ro', 'xadmins', 'staff,admins', 'adm']),
  person('spaces', ['admins ', ' admins', 'not admins']),
  person('dora', []),
  person('mei', ['admins'], { name: '名前 100%' }),
  person('crlf', ['admins'], { name: 'a\r\nX-Forwarded-User: root' }),
  person('many', [...Array.from({ length: 500 }, (_, i) => `group-number-${i}`), 'admins']),
]

export type Claim = 'sub' | 'email' | 'preferred_username' | 'groups' | 'name'

/** A door through which a browser is led to an address that stands in the request. */
export interface Redirector {
  readonly name: string
  /** The bytes that ask to be led to `address`. */
  readonly ask: (address: string) => Promise<string>
}

export interface Target {
  /** With its version. */
  readonly name: string
  /** Where it listens on 127.0.0.1, for HTTP/1.1. */
  readonly port: number
  /** Where it speaks HTTP/2 without TLS; `undefined` where it does not. */
  readonly http2Port?: () => Promise<number>
  /** What stands behind it. */
  readonly upstream: ByteUpstream
  /** The line `Cookie: ...` of one of the people, signed in at the app. */
  readonly cookie: (person: string) => Promise<string>
  readonly sessionCookie: string
  /** Headers that tell the app who asks. */
  readonly identity: Readonly<Record<string, Claim>>
  /** Further headers that an app believes because they come from this proxy: assertions, tokens. */
  readonly reserved: readonly string[]
  /** Headers that tell the app where a request came from, and what is true of one to `HOST` from 127.0.0.1. */
  readonly vouches: Readonly<Record<string, RegExp>>
  /** Origins to which it may lead a browser. */
  readonly leadsTo: ReadonlySet<string>
  readonly redirectors: readonly Redirector[]
  /** Prefix of paths that are its own. */
  readonly ownPath: string
}
