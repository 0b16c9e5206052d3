/** Whom oauth2-proxy lets in, as two named policies: one for who has signed in, one for what needs no sign-in. */

import {
  COMMENT_OUT,
  type DraftEntry,
  type DraftPart,
  entry,
  inlineList,
  inlineMap,
  list,
  map,
  type Origin,
  part,
} from './draft.ts'
import { constantItem } from './ppl-criteria.ts'
import type { Setting, Settings, Typed } from './settings.ts'
import { wholePattern } from './whole-pattern.ts'
import { listOf } from './yaml-drafts.ts'

export const PEOPLE = 'people'
export const OPEN = 'without-sign-in'

/** What a provider demands of people besides their e-mail. */
export interface Demands {
  /** One of these is enough; empty: nothing is demanded. */
  readonly groups: readonly DraftPart[]
  /** Demands that cannot be expressed: they are not met by anyone. */
  readonly unknown: readonly DraftPart[]
}

/** The named policies. @param options the .cfg file; where there is only an alpha config, nobody knows whose e-mail counts */
export function peoplePolicies(
  options: Settings | undefined,
  origin: Origin,
  demands: Demands,
  note: Settings['note'],
): readonly DraftEntry[] {
  const emails = options === undefined ? noOptions(origin, note) : emailItems(options)
  const items = [oneOf(emails), ...(demands.groups.length > 0 ? [oneOf(demands.groups)] : [])]
  const rule = part(
    map([entry('allow', map([entry('and', list([...items, ...demands.unknown]))]))]),
  )
  const open = options === undefined ? [] : openRules(options)
  return [
    entry(PEOPLE, list([rule])),
    ...(open.length === 0 ? [] : [entry(OPEN, list(open), { gap: true })]),
  ]
}

function oneOf(items: readonly DraftPart[]): DraftPart {
  const [only, second] = items
  if (only !== undefined && second === undefined) return only
  return part(map([entry('or', list(items))]))
}

function noOptions(origin: Origin, note: Settings['note']): readonly DraftPart[] {
  const message =
    'is in the .cfg file beside it: run again with the .cfg as FILE and this one as --alpha-config; until then nobody is let in'
  return [nobody(note('left-out', { ...origin, subject: 'email_domains' }, message))]
}

function nobody(comment: string): DraftPart {
  return { ...constantItem(true), comments: [comment] }
}

function emailItems(options: Settings): readonly DraftPart[] {
  const domains = options.texts('email_domains', 'email_domain')
  const file = options.text('authenticated_emails_file')
  const items: DraftPart[] = (domains?.value ?? []).map((domain) => emailItem(domain, domains))
  if (file !== undefined) {
    const message =
      'write its addresses as `email: { in: [...] }`; until then this item lets nobody in'
    items.push(nobody(options.note('left-out', file, message)))
  }
  if (items.length > 0) return items
  const origin = { at: options.at, subject: 'email_domains' }
  const message = 'is not in the file, and without it oauth2-proxy does not start: nobody is let in'
  return [nobody(options.note('left-out', origin, message))]
}

function emailItem(domain: string, origin: Origin | undefined): DraftPart {
  if (domain === '*') return part(inlineMap({ authenticated_user: true }), { origin })
  const below = /^\*?(\..+)$/.exec(domain)?.[1]
  const value =
    below === undefined
      ? map([entry('domain', domain)])
      : map([entry('domain', inlineMap({ ends_with: below }))])
  const instead = {
    kind: 'instead',
    value: constantItem(true).value,
    why: 'it lets nobody in',
  } as const
  return part(value, { origin, fallbacks: [instead] })
}

function openRules(options: Settings): readonly DraftPart[] {
  const rules: DraftPart[] = []
  const routes = options.texts('skip_auth_routes', 'skip_auth_route')
  for (const route of routes?.value ?? []) rules.push(openRule(splitRoute(route), routes))
  const paths = options.texts('skip_auth_regex')
  for (const path of paths?.value ?? []) {
    rules.push(openRule({ method: '', pattern: path, negated: false }, paths))
  }
  const addresses = options.texts('trusted_ips', 'trusted_ip')
  if (addresses !== undefined) {
    const message = 'the address is that of the connection, or what `server.trusted_proxies` say'
    const comment = options.note('differs', addresses, message)
    const item = part(map([entry('source_ip', listOf(addresses.value))]), { comments: [comment] })
    rules.push(allow([item], addresses))
  }
  return rules
}

interface OpenRoute {
  readonly method: string
  readonly pattern: string
  readonly negated: boolean
}

/** `GET=^/probe`, `GET!=^/admin`, `^/probe` or `!=^/admin`. */
function splitRoute(text: string): OpenRoute {
  const match = /^(.*?)(!?)=(.*)$/s.exec(text)
  if (match === null) return { method: '', pattern: text, negated: false }
  const [, method = '', not, pattern = ''] = match
  return { method: method.toUpperCase(), pattern, negated: not === '!' }
}

function openRule({ method, pattern, negated }: OpenRoute, origin: Origin | undefined): DraftPart {
  const path = part(map([entry('http_path', inlineMap({ matches: wholePattern(pattern) }))]))
  const items = [
    ...(method === '' ? [] : [part(map([entry('http_method', method)]))]),
    negated ? part(map([entry('not', list([path]))])) : path,
  ]
  return allow(items, origin)
}

function allow(items: readonly DraftPart[], origin: Origin | undefined): DraftPart {
  // Without the rule fewer requests pass.
  const options = { origin, fallbacks: [COMMENT_OUT] }
  return part(map([entry('allow', map([entry('and', list(items))]))]), options)
}

/** Groups, and roles of Keycloak, which oauth2-proxy lists among them as `role:NAME` and `role:CLIENT:NAME`. */
export function groupItems(names: Typed<readonly string[]>): readonly DraftPart[] {
  const groups = names.value.filter((name) => !name.startsWith('role:'))
  const roles = names.value.filter((name) => name.startsWith('role:'))
  return [
    ...(groups.length === 0
      ? []
      : [part(map([entry('groups', listOf(groups))]), { origin: names })]),
    ...roles.map((role) => roleItem(role.slice('role:'.length), names)),
  ]
}

/** A role of the realm, or `CLIENT:NAME`. */
export function roleItem(role: string, origin: Origin): DraftPart {
  const colon = role.indexOf(':')
  const [key, name] =
    colon < 0
      ? ['claim/realm_access/roles', role]
      : [`claim/resource_access/${role.slice(0, colon)}/roles`, role.slice(colon + 1)]
  return part(map([entry(key, inlineList([name]))]), { origin })
}

/** What is demanded and cannot be said here, as what nobody meets. */
export function unmetDemand(setting: Setting, settings: Settings, message: string): DraftPart {
  return nobody(settings.note('left-out', setting, `${message}; until then nobody is let in`))
}
