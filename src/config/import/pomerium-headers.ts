/** The headers that a Pomerium route sets and removes. Policies live in git, so no secret gets into them. */

import type { YamlEntry } from '../../support/yaml-node.ts'
import { isWritten } from '../../support/yaml-writer.ts'
import { COMMENT_OUT, type DraftEntry, entry, map } from './draft.ts'
import type { Notes } from './notes.ts'
import { routeHsts } from './pomerium-hsts.ts'
import { type Setting, type Settings, textOf } from './settings.ts'
import { listOf } from './yaml-drafts.ts'

/** `set_request_headers`, `remove_request_headers` and `set_response_headers`. `everywhere`: the file's own, for all routes. */
export function translateHeaders(
  route: Settings,
  everywhere: Setting | undefined,
  notes: Notes,
): readonly DraftEntry[] {
  const entries: DraftEntry[] = []
  const set = route.take('set_request_headers')
  const requests = set === undefined ? [] : headersOf(set, true, notes)
  if (set !== undefined && requests.length > 0) {
    entries.push(entry('set_request_headers', map(requests), keyOptions(set)))
  }
  entries.push(...removedHeaders(route, requests))
  entries.push(...responseHeaders(route, everywhere, notes))
  return entries
}

/** A header that Pomerium sets and Gatehouse does not: what a client sends under its name must not pass for it. */
function removedHeaders(route: Settings, requests: readonly DraftEntry[]): readonly DraftEntry[] {
  const setHere = new Set(requests.filter(isWritten).map(({ key }) => key.toLowerCase()))
  const notSet = requests.filter((one) => !isWritten(one)).map(({ key }) => key)
  const removed = route.texts('remove_request_headers')
  const asked = removed?.value ?? []
  const names = [...new Set([...asked, ...notSet])].filter(
    (name) => !setHere.has(name.toLowerCase()),
  )
  const comments: string[] = []
  if (removed !== undefined && asked.some((name) => setHere.has(name.toLowerCase()))) {
    comments.push(route.note('differs', removed, 'a header that is set is not removed in Pomerium'))
  }
  const origin = removed ?? requests.find((one) => !isWritten(one))?.origin
  if (origin === undefined || names.length === 0) return []
  const { at, subject } = origin
  return [
    entry('remove_request_headers', listOf(names), { ...keyOptions({ at, subject }), comments }),
  ]
}

function responseHeaders(
  route: Settings,
  everywhere: Setting | undefined,
  notes: Notes,
): readonly DraftEntry[] {
  const own = route.take('set_response_headers')
  const ownHeaders = own === undefined ? [] : headersOf(own, false, notes)
  const names = new Set(ownHeaders.map(({ key }) => key.toLowerCase()))
  const inherited = everywhere === undefined ? [] : headersOf(everywhere, false, notes)
  const headers = [
    ...inherited.filter(({ key }) => key !== 'disable' && !names.has(key.toLowerCase())),
    ...ownHeaders,
  ]
  const origin = own ?? everywhere
  if (origin === undefined || headers.length === 0) return []
  return [entry('set_response_headers', map(headers), keyOptions(origin)), ...routeHsts(own, notes)]
}

function keyOptions({ at, subject }: { at: Setting['at']; subject: string }) {
  return { origin: { at, subject }, fallbacks: [COMMENT_OUT] }
}

function headersOf(setting: Setting, ofRequest: boolean, notes: Notes): readonly DraftEntry[] {
  const { value } = setting
  if (value.kind !== 'map') {
    notes.add('left-out', setting.at, setting.subject, 'takes a mapping; something else is written')
    return []
  }
  return value.entries.flatMap((one) => headerOf(one, setting.subject, ofRequest, notes) ?? [])
}

function headerOf(
  { key, keyAt, value }: YamlEntry,
  around: string,
  ofRequest: boolean,
  notes: Notes,
): DraftEntry | undefined {
  const origin = { at: keyAt, subject: `${around}.${key}` }
  const text = textOf(value)
  const leaveOut = (message: string): DraftEntry => {
    const comment = notes.add('left-out', keyAt, origin.subject, message)
    return entry(key, '...', { origin, off: true, comments: [comment] })
  }
  if (text === undefined || text === '') return leaveOut('has no text as its value')
  if (looksSecret(key, text)) {
    const comment = notes.add('secret', keyAt, origin.subject, NO_SECRETS)
    return entry(key, '...', { origin, off: true, comments: [comment] })
  }
  const template = ofRequest ? translateTemplate(text) : text
  if (template === undefined) {
    return leaveOut('its template takes what is not known here, a certificate or another header')
  }
  return entry(key, template, { origin, fallbacks: [COMMENT_OUT] })
}

const NO_SECRETS =
  'looks like a secret, and policies live in git: not copied; have the app check the assertion, or set it behind the gateway'

const TOKENS = /\$\{[^}]*\}/g
const SECRET_NAME = /authorization|cookie|token|secret|passw|credential|api[-_]?key|private/i
const SECRET_VALUE = /^\s*(bearer|basic|digest|token)\s+\S/i

/** Whether the value is more than templates, and its name or form that of a credential. */
function looksSecret(name: string, text: string): boolean {
  const rest = text.replace(TOKENS, '').replace(/^\s*(bearer|basic|token)\s*/i, '')
  if (rest.trim() === '') return false
  return SECRET_NAME.test(name) || SECRET_VALUE.test(text.replace(TOKENS, ''))
}

const OURS: ReadonlyMap<string, string> = new Map([
  ['pomerium.jwt', 'jwt'],
  ['pomerium.id_token', 'id_token'],
  ['pomerium.access_token', 'access_token'],
])

/** `$$` is a dollar sign there; what is not known stands for nothing, so there is no use in keeping it. */
function translateTemplate(text: string): string | undefined {
  const names = [...text.matchAll(/\$\{([^}]*)\}/g)].map((match) => match[1] ?? '')
  if (names.some((name) => !OURS.has(name.trim()))) return undefined
  return text
    .replace(/\$\{([^}]*)\}/g, (_, name: string) => `\${${OURS.get(name.trim())}}`)
    .replace(/\$\$(?!\{)/g, () => '$')
}
