/** What oauth2-proxy tells upstreams, as `identity_headers` of the config and `set_request_headers` of every route. */

import type { YamlMap, YamlNode } from '../../support/yaml-node.ts'
import { COMMENT_OUT, type DraftEntry, entry, map, type Origin } from './draft.ts'
import type { Notes } from './notes.ts'
import { type Settings, settingsOf, textOf } from './settings.ts'

export interface Headers {
  readonly section: DraftEntry
  /** For each route, made anew. */
  readonly routeEntries: () => readonly DraftEntry[]
}

/** A header: of a claim, or a template that is the route's matter. */
type Header =
  | {
      readonly kind: 'claim'
      readonly name: string
      readonly claim: string
      readonly origin: Origin
    }
  | {
      readonly kind: 'template'
      readonly name: string
      readonly text: string
      readonly origin: Origin
    }

const EMPTY = { kind: 'map' as const, entries: [], inline: true }

/** Of the .cfg file's `pass_` and `set_` flags. */
export function headersOfOptions(options: Settings): Headers {
  const basic = options.flag('pass_basic_auth')?.value ?? true
  const user = options.flag('pass_user_headers')?.value ?? true
  const emailAsUser = options.flag('prefer_email_to_user')?.value ?? false
  const accessToken = options.flag('pass_access_token')
  const idToken = options.flag('pass_authorization_header')
  const answers = options.flag('set_xauthrequest')
  const asked = answers ?? { at: options.at, subject: 'set_xauthrequest' }
  const message = '`X-Auth-Request-*` go to upstreams, and stand in answers of forward-auth'
  const comments = basic || user ? [options.note('differs', asked, message)] : []
  const templates: Header[] = []
  if (accessToken?.value === true) {
    const text = `\${access_token}`
    templates.push({
      kind: 'template',
      name: 'X-Forwarded-Access-Token',
      text,
      origin: accessToken,
    })
  }
  if (idToken?.value === true) {
    const text = `Bearer \${id_token}`
    templates.push({ kind: 'template', name: 'Authorization', text, origin: idToken })
  }
  const sent: readonly DraftEntry[] =
    basic || user
      ? [entry('preset', 'oauth2-proxy', { comments }), ...(emailAsUser ? [preferred()] : [])]
      : [entry('headers', EMPTY, { comments })]
  return headersFrom([...sent, entry('groups', 'all')], templates)
}

function preferred(): DraftEntry {
  return entry(
    'headers',
    map([
      entry('X-Forwarded-User', 'email'),
      entry('X-Forwarded-Preferred-Username', 'preferred_username'),
      entry('X-Forwarded-Groups', 'groups'),
    ]),
  )
}

function headersFrom(sections: readonly DraftEntry[], templates: readonly Header[]): Headers {
  return {
    section: entry('identity_headers', map(sections), { gap: true }),
    routeEntries: () => {
      const headers = templates.flatMap((header) =>
        header.kind === 'template'
          ? [entry(header.name, header.text, { origin: header.origin, fallbacks: [COMMENT_OUT] })]
          : [],
      )
      if (headers.length === 0) return []
      const [first] = templates
      const options = { origin: first?.origin, fallbacks: [COMMENT_OUT] }
      return [entry('set_request_headers', map(headers), options)]
    },
  }
}

/** Of the alpha config's `injectRequestHeaders`. */
export function headersOfAlpha(alpha: Settings, notes: Notes): Headers {
  const request = alpha.take('injectrequestheaders')
  const response = alpha.take('injectresponseheaders')
  if (response !== undefined) {
    const message =
      'answers of forward-auth carry the identity headers, and apps set their own on others'
    alpha.note('left-out', response, message)
  }
  const items = request?.value.kind === 'list' ? request.value.items : []
  const headers = items.flatMap((item, index) => {
    const subject = `injectRequestHeaders[${index}]`
    if (item.kind === 'map') return alphaHeader(item, subject, notes) ?? []
    notes.add('left-out', item.at, subject, 'is no header')
    return []
  })
  const claims = headers.flatMap((header) =>
    header.kind === 'claim'
      ? [entry(header.name, header.claim, { origin: header.origin, fallbacks: [COMMENT_OUT] })]
      : [],
  )
  const templates = headers.filter(({ kind }) => kind === 'template')
  const sent = entry('headers', claims.length === 0 ? EMPTY : map(claims), { origin: request })
  return headersFrom([sent, entry('groups', 'all')], templates)
}

function alphaHeader(item: YamlMap, subject: string, notes: Notes): Header | undefined {
  const header = settingsOf(item, subject, notes)
  const name = header.text('name')
  const values = header.take('values')
  const preserve = header.flag('preserverequestvalue')
  const origin = name ?? { at: item.at, subject }
  if (preserve?.value === true) {
    header.note('differs', preserve, 'what a client sends under the name is always removed here')
  }
  for (const one of header.rest()) header.note('left-out', one, 'is not known to this import')
  const [first, second] = values?.value.kind === 'list' ? values.value.items : []
  if (name === undefined || first === undefined) {
    return leaveOut(notes, origin, 'has no name or no value')
  }
  if (second !== undefined) return leaveOut(notes, origin, 'several values are not joined here')
  return headerOfValue(name.value, first, origin, notes)
}

function leaveOut(notes: Notes, origin: Origin, message: string): undefined {
  notes.add('left-out', origin.at, origin.subject, message)
}

const CLAIMS: ReadonlyMap<string, string> = new Map([
  ['user', 'sub'],
  ['email', 'email'],
  ['groups', 'groups'],
  ['preferred_username', 'preferred_username'],
])
const TOKENS = new Set(['access_token', 'id_token'])

function headerOfValue(
  name: string,
  value: YamlNode,
  origin: Origin,
  notes: Notes,
): Header | undefined {
  const fields = fieldsOf(value)
  const claim = fields.get('claim')
  if (claim === undefined) {
    const message =
      'a fixed value is a secret, and policies live in git: not copied; set it behind the gateway'
    notes.add('secret', origin.at, origin.subject, message)
    return undefined
  }
  if (fields.has('basicauthpassword')) {
    const message = 'no Basic credentials are made up for upstreams; the password is not copied'
    notes.add('secret', origin.at, origin.subject, message)
    return undefined
  }
  const prefix = fields.get('prefix') ?? ''
  if (TOKENS.has(claim)) {
    return { kind: 'template', name, text: `${prefix}\${${claim}}`, origin }
  }
  const ours = CLAIMS.get(claim) ?? claim
  if (prefix !== '') return { kind: 'template', name, text: `${prefix}\${claim.${ours}}`, origin }
  return { kind: 'claim', name, claim: ours, origin }
}

/** Texts of a value, those behind `claimSource` and `secretSource` among them. */
function fieldsOf(value: YamlNode): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  const add = (node: YamlNode): void => {
    if (node.kind !== 'map') return
    for (const { key, value: inner } of node.entries) {
      const name = key.toLowerCase()
      if (name === 'claimsource' || name === 'secretsource') add(inner)
      else fields.set(name, textOf(inner) ?? '')
    }
  }
  add(value)
  return fields
}
