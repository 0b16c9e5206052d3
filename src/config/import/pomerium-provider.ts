/** `providers` for a Pomerium file: the one of its `idp_` keys, and one more for each client of a route. */

import {
  COMMENT_OUT,
  type DraftEntry,
  type DraftMap,
  entry,
  type Fallback,
  inlineMap,
  literal,
  map,
  scalar,
} from './draft.ts'
import type { Notes } from './notes.ts'
import { isPlainHttp, knownProvider, NO_ISSUER, providerName } from './provider-draft.ts'
import type { Setting, Settings, Typed } from './settings.ts'
import { listOf } from './yaml-drafts.ts'

const DEFAULT_CALLBACK = '/oauth2/callback'
/** Providers for which Pomerium asks for a refresh token by this scope. */
const OFFLINE = new Set(['okta', 'oidc', 'azure', 'auth0'])

export interface PomeriumProviders {
  /** The provider for a route with a client of its own; one for each client. */
  providerFor(client: Typed<string>, secret: Setting | undefined): string
  /** The section, once all routes are known. */
  finish(): DraftMap
}

/** Takes the `idp_` keys and those of callback and sign-out. */
export function translateProviders(settings: Settings, notes: Notes): PomeriumProviders {
  const kind = settings.text('idp_provider')
  const name = providerName(kind?.value ?? 'oidc')
  const callback = settings.text('authenticate_callback_path')
  const shared = sharedEntries(settings, kind, notes)
  const main = map([
    ...shared,
    ...clientEntries(settings.text('idp_client_id'), 'replace-me', settings),
    ...mainSecret(settings, notes),
    ...scopes(settings, kind?.value ?? 'oidc'),
    ...(callback === undefined
      ? []
      : [
          entry('redirect_path', literal(callback.value), {
            origin: callback,
            fallbacks: [COMMENT_OUT],
          }),
        ]),
    ...postLogout(settings),
    ...directory(settings, kind?.value, shared, notes),
  ])
  const others = new Map<string, { readonly name: string; readonly draft: DraftMap }>()
  return {
    providerFor(client, secret) {
      const known = others.get(client.value)
      if (known !== undefined) return known.name
      const number = others.size + 2
      const made = {
        name: `${name}-${number}`,
        draft: routeProvider(shared, client, secret, number, settings, notes),
      }
      others.set(client.value, made)
      return made.name
    },
    finish: () =>
      map([
        entry(name, main, { origin: kind }),
        ...[...others.values()].map((other) => entry(other.name, other.draft, { gap: true })),
      ]),
  }
}

function sharedEntries(
  settings: Settings,
  kind: Typed<string> | undefined,
  notes: Notes,
): readonly DraftEntry[] {
  const url = settings.text('idp_provider_url')
  const known = knownProvider(kind?.value ?? '')
  const origin = url ?? kind ?? { at: settings.at, subject: 'idp_provider_url' }
  const comments: string[] = []
  if (known.advice !== undefined) comments.push(settings.note('differs', origin, known.advice))
  const issuer = url?.value ?? known.issuer
  if (issuer === undefined) {
    comments.push(
      settings.note('left-out', origin, 'no issuer is known: write that of your provider'),
    )
  }
  const message =
    'only an e-mail with `email_verified: true` counts here, in Pomerium any; see `allow_unverified_email`'
  comments.push(notes.add('differs', origin.at, origin.subject, message))
  const instead: Fallback = {
    kind: 'instead',
    value: scalar(NO_ISSUER),
    why: 'it is to be replaced',
  }
  return [
    entry('issuer', literal(exactIssuer(issuer ?? NO_ISSUER, kind?.value)), {
      comments,
      origin,
      fallbacks: [instead],
    }),
    ...(issuer !== undefined && isPlainHttp(issuer)
      ? [
          entry('allow_http', true, {
            comments: [settings.note('differs', origin, 'plain http needs this opt-out here')],
          }),
        ]
      : []),
  ]
}

/** Auth0's issuers end with a slash, those of the others do not; Pomerium forgives both. */
function exactIssuer(url: string, kind: string | undefined): string {
  const plain = url.replace(/\/+$/, '')
  if (kind === 'auth0') return `${plain}/`
  return kind === 'okta' || kind === 'google' || kind === 'gitlab' ? plain : url
}

function clientEntries(
  id: Typed<string> | undefined,
  otherwise: string,
  settings: Settings,
): readonly DraftEntry[] {
  if (id !== undefined) return [entry('client_id', literal(id.value), { origin: id })]
  const origin = { at: settings.at, subject: 'idp_client_id' }
  const comments = [settings.note('left-out', origin, 'is not in the file; write it here')]
  return [entry('client_id', otherwise, { comments })]
}

function mainSecret(settings: Settings, notes: Notes): readonly DraftEntry[] {
  const file = settings.text('idp_client_secret_file')
  const secret = settings.take('idp_client_secret')
  if (file !== undefined) {
    if (secret !== undefined) settings.note('left-out', secret, '`idp_client_secret_file` is used')
    return [secretFile('client_secret', file, settings)]
  }
  const origin = secret ?? { at: settings.at, subject: 'idp_client_secret' }
  const name = 'IDP_CLIENT_SECRET'
  const message =
    secret === undefined
      ? `is not in the file: set it as ${name}, or take this key out for a public client`
      : `not copied: set it as ${name}`
  const comment = settings.note('secret', origin, message)
  return [entry('client_secret', notes.reference(name), { origin, comments: [comment] })]
}

/** `"${file:PATH}"`; kept as a comment where the file is not to be found. */
export function secretFile(key: string, file: Typed<string>, settings: Settings): DraftEntry {
  const message = 'a relative path starts at the folder of this file'
  const comments = file.value.startsWith('/') ? [] : [settings.note('differs', file, message)]
  const value = `\${file:${file.value}}`
  return entry(key, value, { origin: file, comments, fallbacks: [COMMENT_OUT] })
}

function routeProvider(
  shared: readonly DraftEntry[],
  client: Typed<string>,
  secret: Setting | undefined,
  number: number,
  settings: Settings,
  notes: Notes,
): DraftMap {
  const path = `${DEFAULT_CALLBACK}/${number}`
  const message = `a client of its own is a provider of its own here: register \`${path}\` for it`
  const comments = [settings.note('differs', client, message)]
  const entries = [
    ...shared.map((one) => ({ ...one, comments: [], fallbacks: [...one.fallbacks] })),
    entry('client_id', literal(client.value), { origin: client }),
    entry('redirect_path', path, { comments }),
  ]
  if (secret !== undefined) {
    const name = `IDP_CLIENT_SECRET_${number}`
    const note = settings.note('secret', secret, `not copied: set it as ${name}`)
    entries.push(entry('client_secret', notes.reference(name), { comments: [note] }))
  }
  return map(entries)
}

function scopes(settings: Settings, kind: string): readonly DraftEntry[] {
  const written = settings.texts('idp_scopes')
  if (written !== undefined) {
    const options = { origin: written, fallbacks: [COMMENT_OUT] }
    return [entry('scopes', listOf(written.value.map(literal)), options)]
  }
  if (!OFFLINE.has(kind)) return []
  return [entry('scopes', listOf(['openid', 'profile', 'email', 'offline_access']))]
}

function postLogout(settings: Settings): readonly DraftEntry[] {
  const url = settings.text('signout_redirect_url')
  if (url === undefined) return []
  const message = 'the provider sends people there, so it must be registered with it'
  const comments = [settings.note('differs', url, message)]
  const options = { origin: url, comments, fallbacks: [COMMENT_OUT] }
  return [entry('post_logout_redirect_uri', literal(url.value), options)]
}

function directory(
  settings: Settings,
  kind: string | undefined,
  shared: readonly DraftEntry[],
  notes: Notes,
): readonly DraftEntry[] {
  const account = settings.take('idp_service_account')
  if (account === undefined) return []
  if (kind !== 'okta') {
    settings.note('left-out', account, 'groups come by the claim; only Okta has a directory here')
    return []
  }
  const name = 'OKTA_SERVICE_ACCOUNT'
  const comment = settings.note('secret', account, `not copied: set it as ${name}`)
  const issuer = shared[0]?.value
  const url = issuer?.kind === 'scalar' ? (URL.parse(String(issuer.value))?.origin ?? '') : ''
  const value = inlineMap({ kind: 'okta', url, service_account: notes.reference(name) })
  const options = { origin: account, comments: [comment], fallbacks: [COMMENT_OUT] }
  return [entry('directory', value, options)]
}
