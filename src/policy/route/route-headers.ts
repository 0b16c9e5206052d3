/** What a route changes of the headers: `set_request_headers`, `remove_request_headers`, `set_response_headers`, `identity_headers`. */

import { isHeaderName, plainName } from '../../support/header-name.ts'
import type { YamlEntry, YamlNode } from '../../support/yaml-node.ts'
import type { Around } from '../language/compile-conditions.ts'
import type { Report } from '../language/matchers.ts'
import type { HeaderPart, RequestHeaderChanges, Route, SetHeader } from '../route.ts'
import { readTemplate, refuseHeaderText } from './header-template.ts'
import { entriesInside, isEmpty, type RouteEntries, readChoice } from './route-values.ts'

export type RouteHeaders = Pick<Route, 'requestHeaders' | 'responseHeaders' | 'identityHeaders'>

export function readHeaders(entries: RouteEntries, { report }: Around): RouteHeaders | undefined {
  const set = readSet(entries.get('set_request_headers'), report)
  const removed = readRemoved(entries.get('remove_request_headers'), report)
  const responseHeaders = readResponse(entries.get('set_response_headers'), report)
  const identityHeaders = readIdentity(entries.get('identity_headers'), report)
  const broken =
    set === undefined ||
    removed === undefined ||
    responseHeaders === undefined ||
    identityHeaders === undefined
  if (broken) return undefined
  return {
    requestHeaders: changesOf(set, removed),
    responseHeaders: responseHeaders ?? undefined,
    identityHeaders: identityHeaders ?? undefined,
  }
}

function changesOf(
  set: readonly SetHeader[],
  removed: readonly string[],
): RequestHeaderChanges | undefined {
  if (set.length === 0 && removed.length === 0) return undefined
  const uses = (kind: HeaderPart['kind']) =>
    set.some(({ parts }) => parts.some((part) => part.kind === kind))
  return {
    set,
    dropped: new Set([...set.map(({ name }) => name), ...removed].map(plainName)),
    usesAssertion: uses('jwt'),
    usesTokens: uses('id_token') || uses('access_token'),
  }
}

/** Of one connection, or what frames the message. RFC 9110 §7.6.1 */
const HOP_BY_HOP =
  /^(connection|keep-alive|proxy-(connection|authenticate|authorization)|te|trailer|transfer-encoding|upgrade|http2-settings|content-length|expect|sec-websocket-.*)$/
const SET_BY_US = /^(forwarded|x-forwarded-(for|proto|host|port)|x-request-id)$/
const OURS = /^x-(gatehouse|pomerium)-/

/** Why a route may not set or remove the request header `name`. */
function refuseRequestName(name: string): string | undefined {
  const plain = plainName(name)
  if (!isHeaderName(name)) return `\`${name}\` is no header name; use letters, digits and \`-\``
  if (plain === 'host') return '`Host` is changed by `host_rewrite` or `preserve_host_header`'
  if (HOP_BY_HOP.test(plain)) return `\`${name}\` says how a message travels; it is Gatehouse's own`
  if (SET_BY_US.test(plain)) return `\`${name}\` is set anew by Gatehouse for each request`
  if (OURS.test(plain)) return `under \`${name}\` only Gatehouse speaks; see \`identity_headers\``
  return undefined
}

/** Why a route may not set the response header `name`. */
function refuseResponseName(name: string): string | undefined {
  const plain = plainName(name)
  if (!isHeaderName(name)) return `\`${name}\` is no header name; use letters, digits and \`-\``
  if (HOP_BY_HOP.test(plain)) return `\`${name}\` says how a message travels; it is Gatehouse's own`
  if (OURS.test(plain)) return `under \`${name}\` only Gatehouse speaks, and to apps alone`
  if (plain === 'set-cookie') return '`Set-Cookie` would take the place of the cookies of the app'
  return undefined
}

interface NamedText {
  readonly name: string
  readonly text: string
}

/** What is wrong with a header's name, and with the text behind it. */
interface Refusing {
  readonly name: (name: string) => string | undefined
  readonly text: (text: string) => string | undefined
}

/** A mapping of names and texts; `undefined` where anything in it is wrong. */
function readTexts(
  { key, value }: YamlEntry,
  refuse: Refusing,
  report: Report,
): readonly NamedText[] | undefined {
  if (value.kind !== 'map' || value.entries.length === 0) {
    return report(value.at, `\`${key}\` takes a mapping, as in \`${key}: { X-Name: value }\``)
  }
  const seen = new Map<string, string>()
  const texts: NamedText[] = []
  for (const { key: name, keyAt, value: node } of value.entries) {
    const other = seen.get(plainName(name))
    const same = other === undefined ? undefined : `\`${name}\` and \`${other}\` are one header`
    const wrong = refuse.name(name) ?? same
    seen.set(plainName(name), name)
    const text = headerText(name, node, report)
    const wrongText = text === undefined ? undefined : refuse.text(text)
    if (wrong !== undefined) report(keyAt, wrong)
    if (wrongText !== undefined) report(node.at, wrongText)
    if (text !== undefined && wrong === undefined && wrongText === undefined)
      texts.push({ name, text })
  }
  return texts.length === value.entries.length ? texts : undefined
}

function headerText(name: string, node: YamlNode, report: Report): string | undefined {
  if (node.kind !== 'scalar') return report(node.at, `the value of \`${name}\` is a text`)
  if (isEmpty(node) || node.value === '') {
    return report(node.at, `\`${name}\` has no value; write one, or leave it out`)
  }
  if (typeof node.value === 'string') return node.value
  return report(node.at, `the value of \`${name}\` is a text; put it in quotes`)
}

function readSet(entry: YamlEntry | undefined, report: Report): readonly SetHeader[] | undefined {
  if (entry === undefined) return []
  const texts = readTexts(entry, { name: refuseRequestName, text: refuseTemplate }, report)
  return texts?.flatMap(({ name, text }) => {
    const parts = readTemplate(text)
    return typeof parts === 'string' ? [] : { name, parts }
  })
}

function refuseTemplate(text: string): string | undefined {
  const parts = readTemplate(text)
  return typeof parts === 'string' ? parts : undefined
}

function readRemoved(entry: YamlEntry | undefined, report: Report): readonly string[] | undefined {
  if (entry === undefined) return []
  const { key, value } = entry
  if (value.kind !== 'list' || value.items.length === 0) {
    return report(value.at, `\`${key}\` takes a list of names, as in \`${key}: [X-Name]\``)
  }
  const names = value.items.flatMap((item) => {
    if (item.kind !== 'scalar' || typeof item.value !== 'string') {
      return report(item.at, 'the name of a header is a text') ?? []
    }
    const wrong = refuseRequestName(item.value)
    return wrong === undefined ? item.value : (report(item.at, wrong) ?? [])
  })
  return names.length === value.items.length ? names : undefined
}

/** Null where the key is not written. */
function readResponse(
  entry: YamlEntry | undefined,
  report: Report,
): Route['responseHeaders'] | null {
  if (entry === undefined) return null
  const texts = readTexts(entry, { name: refuseResponseName, text: refusePlainText }, report)
  if (texts === undefined) return undefined
  return {
    headers: texts.flatMap(({ name, text }) => [name, text]),
    names: new Set(texts.map(({ name }) => name.toLowerCase())),
  }
}

function refusePlainText(text: string): string | undefined {
  const reference = text.includes('${')
  return (
    refuseHeaderText(text) ??
    (reference ? 'an answer takes no references; write plain text' : undefined)
  )
}

const IDENTITY_KEYS = ['headers', 'groups'] as const
const WHICH_GROUPS = ['named', 'all', 'none'] as const
/** Fields that mean something else to an app, besides those that no route may set. */
const NO_IDENTITY =
  /^(accept|accept-encoding|authorization|content-encoding|content-type|cookie|date|origin|range|referer|set-cookie|user-agent|via|sec-.*)$/

/** Null where the key is not written. */
function readIdentity(
  entry: YamlEntry | undefined,
  report: Report,
): Route['identityHeaders'] | null {
  if (entry === undefined) return null
  const inside = entriesInside(entry, IDENTITY_KEYS, report)
  if (inside === undefined) return undefined
  const headers = inside.get('headers')
  const read =
    headers && readTexts(headers, { name: refuseIdentityName, text: () => undefined }, report)
  const written = inside.get('groups') && readChoice(inside, 'groups', WHICH_GROUPS, report)
  const groups = WHICH_GROUPS.find((which) => which === written)
  if (headers !== undefined && read === undefined) return undefined
  if (inside.get('groups') !== undefined && groups === undefined) return undefined
  return { headers: read && new Map(read.map(({ name, text }) => [name, text])), groups }
}

function refuseIdentityName(name: string): string | undefined {
  const plain = plainName(name)
  if (NO_IDENTITY.test(plain)) {
    return `\`${name}\` has a meaning of its own and cannot carry an identity`
  }
  return OURS.test(plain) && isHeaderName(name) ? undefined : refuseRequestName(name)
}
