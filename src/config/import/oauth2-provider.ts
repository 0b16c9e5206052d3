/** `providers` for oauth2-proxy: of its options, or of each provider of the alpha config, whose keys are named a little differently. */

import {
  COMMENT_OUT,
  type DraftEntry,
  type DraftPart,
  entry,
  type Fallback,
  literal,
  map,
  part,
  scalar,
} from './draft.ts'
import type { Notes } from './notes.ts'
import { adviceFor } from './oauth2-left-out.ts'
import { type Demands, groupItems, roleItem, unmetDemand } from './oauth2-people.ts'
import { isPlainHttp, knownProvider, NO_ISSUER, providerName } from './provider-draft.ts'
import { type Setting, type Settings, type Typed, textOf } from './settings.ts'
import { listOf } from './yaml-drafts.ts'

/** The settings of one provider. In the .cfg file all of these are the same. */
export interface ProviderSettings {
  readonly main: Settings
  readonly oidc: Settings | undefined
  readonly keycloak: Settings | undefined
  readonly gitlab: Settings | undefined
  readonly google: Settings | undefined
  readonly azure: Settings | undefined
  readonly entra: Settings | undefined
  readonly login: Settings | undefined
  /** Sections of providers that know no OpenID, with all that they hold. */
  readonly foreign: readonly Settings[]
  /** The alpha config fills `${NAME}` from the environment, the .cfg file does not. */
  readonly fillsVariables: boolean
}

export interface TranslatedProvider {
  readonly name: string
  readonly entry: DraftEntry
  readonly clientId: string
  readonly demands: Demands
}

/** One provider of `settings`. @param callback path of the redirect URL @param suffix of the secret's variable */
export function translateProvider(
  settings: ProviderSettings,
  callback: string,
  suffix: string,
  notes: Notes,
): TranslatedProvider {
  const { main, oidc } = settings
  const kind = main.text('provider')
  const id = main.text('id')
  const kindName = (kind?.value ?? 'google').toLowerCase()
  const text = (value: string): string => configText(value, settings, notes)
  const client = main.text('client_id', 'clientid')
  const displayName = main.text('provider_display_name', 'name')
  const scope = main.text('scope')
  const groupsClaim = oidc?.text('oidc_groups_claim', 'groupsclaim')
  const unverified = oidc?.flag(
    'insecure_oidc_allow_unverified_email',
    'insecureallowunverifiedemail',
  )
  const caFiles = main.texts('provider_ca_files', 'cafiles')
  const entries: DraftEntry[] = [
    ...issuerEntries(settings, kind, kindName, text),
    entry('client_id', client === undefined ? 'replace-me' : text(client.value), {
      origin: client,
      comments: client === undefined ? [missing(main, 'client_id')] : [],
    }),
    ...secretEntries(settings, kindName, suffix, notes),
    ...(scope === undefined
      ? []
      : [
          entry('scopes', listOf(scopesIn(scope.value)), {
            origin: scope,
            fallbacks: [COMMENT_OUT],
          }),
        ]),
    ...(callback === '/oauth2/callback'
      ? []
      : [entry('redirect_path', literal(callback), { fallbacks: [COMMENT_OUT] })]),
    ...(groupsClaim === undefined || groupsClaim.value === 'groups'
      ? []
      : [entry('groups_claim', text(groupsClaim.value), { origin: groupsClaim })]),
    ...(unverified?.value === true
      ? [entry('allow_unverified_email', true, { origin: unverified })]
      : []),
    ...caFile(caFiles, main),
    ...(displayName === undefined
      ? []
      : [entry('display_name', text(displayName.value), { origin: displayName })]),
  ]
  const comments = emailNotes(settings)
  const demands = readDemands(settings)
  const name = providerName(id?.value ?? kindName)
  return {
    name,
    entry: entry(name, map(entries), { origin: kind, comments }),
    clientId: client?.value ?? '',
    demands,
  }
}

function scopesIn(text: string): readonly string[] {
  return text
    .split(/\s+/)
    .filter((scope) => scope !== '')
    .map(literal)
}

function missing(main: Settings, key: string): string {
  return main.note('left-out', { at: main.at, subject: key }, 'is not in the file; write it here')
}

/** A text for the config. `${NAME}` stays a reference where it was one. */
function configText(text: string, { fillsVariables }: ProviderSettings, notes: Notes): string {
  const name = fillsVariables ? variableIn(text) : undefined
  return name === undefined ? literal(text) : notes.reference(name)
}

/** The name in a text that is one `${NAME}`. */
export function variableIn(text: string): string | undefined {
  return /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(text)?.[1]
}

function issuerEntries(
  settings: ProviderSettings,
  kind: Typed<string> | undefined,
  kindName: string,
  text: (value: string) => string,
): readonly DraftEntry[] {
  const { main, oidc, azure } = settings
  const url = oidc?.text('oidc_issuer_url', 'issuerurl')
  const tenant = azure?.text('azure_tenant', 'tenant')
  if (url !== undefined && tenant !== undefined) {
    main.note('left-out', tenant, 'the issuer says it already')
  }
  const known = knownProvider(kindName)
  const origin = url ?? tenant ?? kind ?? { at: main.at, subject: 'oidc_issuer_url' }
  const issuer = url?.value ?? tenantIssuer(tenant) ?? realmIssuer(main, kindName) ?? known.issuer
  const comments: string[] = []
  if (known.advice !== undefined) comments.push(main.note('differs', origin, known.advice))
  if (issuer === undefined) {
    comments.push(main.note('left-out', origin, 'no issuer is known: write that of your provider'))
  }
  const instead: Fallback = {
    kind: 'instead',
    value: scalar(NO_ISSUER),
    why: 'it is to be replaced',
  }
  const entries = [
    entry('issuer', text(issuer ?? NO_ISSUER), { origin, comments, fallbacks: [instead] }),
  ]
  if (issuer !== undefined && isPlainHttp(issuer)) {
    const comment = main.note('differs', origin, 'plain http needs this opt-out here')
    entries.push(entry('allow_http', true, { comments: [comment] }))
  }
  return entries
}

/** Of one tenant; `common` and the like are no issuer that a token ever names. */
function tenantIssuer(tenant: Typed<string> | undefined): string | undefined {
  if (tenant === undefined || !/^[0-9a-zA-Z.-]+$/.test(tenant.value)) return undefined
  if (['common', 'organizations', 'consumers'].includes(tenant.value)) return undefined
  return `https://login.microsoftonline.com/${tenant.value}/v2.0`
}

/** The old Keycloak provider names the endpoints of a realm, whose own URL is the issuer. */
function realmIssuer(main: Settings, kindName: string): string | undefined {
  if (kindName !== 'keycloak' && kindName !== 'keycloak-oidc') return undefined
  const url = main.text('login_url', 'loginurl')
  const realm = /^(https?:\/\/.*\/realms\/[^/]+)\/protocol\//.exec(url?.value ?? '')?.[1]
  if (url !== undefined && realm === undefined) main.note('left-out', url, adviceFor('login_url'))
  return realm
}

function secretEntries(
  settings: ProviderSettings,
  kindName: string,
  suffix: string,
  notes: Notes,
): readonly DraftEntry[] {
  const { main, login } = settings
  const secret = main.take('client_secret', 'clientsecret')
  const file = main.text('client_secret_file', 'clientsecretfile')
  if (kindName === 'login.gov' && login !== undefined) return privateKey(login, main)
  if (file !== undefined && secret === undefined)
    return [fileReference('client_secret', file, main)]
  if (file !== undefined) main.note('left-out', file, '`client_secret` goes before it')
  const variable = secret === undefined ? undefined : variableIn(textOf(secret.value) ?? '')
  if (variable !== undefined && settings.fillsVariables) {
    return [entry('client_secret', notes.reference(variable), { origin: secret })]
  }
  const name = `OAUTH2_PROXY_CLIENT_SECRET${suffix}`
  const origin = secret ?? { at: main.at, subject: 'client_secret' }
  const message =
    secret === undefined
      ? `is not in the file: set it as ${name}, or take this key out for a public client`
      : `not copied: set it as ${name}`
  const comment = main.note('secret', origin, message)
  return [entry('client_secret', notes.reference(name), { origin, comments: [comment] })]
}

function privateKey(login: Settings, main: Settings): readonly DraftEntry[] {
  const file = login.text('jwt_key_file', 'jwtkeyfile')
  const inFile = login.take('jwt_key', 'jwtkey')
  if (inFile !== undefined) {
    main.note('secret', inFile, 'not copied: write it to a file and name that in `private_key`')
  }
  const method = entry('client_auth', 'private_key_jwt', { fallbacks: [COMMENT_OUT] })
  return file === undefined ? [method] : [method, fileReference('private_key', file, main)]
}

/** `"${file:PATH}"`; kept as a comment where the file is not to be found. */
function fileReference(key: string, file: Typed<string>, settings: Settings): DraftEntry {
  const message = 'a relative path starts at the folder of this file'
  const comments = file.value.startsWith('/') ? [] : [settings.note('differs', file, message)]
  const options = { origin: file, comments, fallbacks: [COMMENT_OUT] }
  return entry(key, `\${file:${file.value}}`, options)
}

function caFile(
  files: Typed<readonly string[]> | undefined,
  main: Settings,
): readonly DraftEntry[] {
  const [first, second] = files?.value ?? []
  if (files === undefined || first === undefined) return []
  const comments =
    second === undefined ? [] : [main.note('differs', files, 'one file holds them all')]
  return [entry('ca_file', literal(first), { origin: files, comments, fallbacks: [COMMENT_OUT] })]
}

/** An e-mail is that of the claim `email` alone, and only a verified one. */
function emailNotes({ main, oidc }: ProviderSettings): readonly string[] {
  const claim = oidc?.text('oidc_email_claim', 'emailclaim')
  const id = oidc?.text('user_id_claim', 'useridclaim')
  const origin = { at: main.at, subject: 'insecure_oidc_allow_unverified_email' }
  const verified =
    'an e-mail without `email_verified` counts there and not here; only `true` does, see `allow_unverified_email`'
  const comments = [main.note('differs', origin, verified)]
  for (const one of [claim, id]) {
    if (one === undefined || one.value === 'email') continue
    comments.push(main.note('differs', one, 'the e-mail is the claim `email`, the user is `sub`'))
  }
  return comments
}

const UNKNOWN_DEMANDS = [
  'github_org',
  'github_team',
  'github_repo',
  'gitlab_projects',
  'bitbucket_team',
  'bitbucket_repository',
]

function readDemands(settings: ProviderSettings): Demands {
  const { main, keycloak, gitlab, google, entra, foreign } = settings
  const lists = [
    main.texts('allowed_groups', 'allowed_group', 'allowedgroups'),
    keycloak?.texts('keycloak_groups', 'keycloak_group', 'groups'),
    gitlab?.texts('gitlab_groups', 'gitlab_group', 'group'),
    google?.texts('google_groups', 'google_group', 'group'),
  ]
  const groups = lists.flatMap((names) => (names === undefined ? [] : groupItems(names)))
  const roles = keycloak?.texts('allowed_roles', 'allowed_role', 'roles')
  for (const role of roles?.value ?? []) {
    if (roles !== undefined) groups.push(roleItem(role, roles))
  }
  return { groups, unknown: [...tenants(entra), ...unmet(main, gitlab, foreign)] }
}

function tenants(entra: Settings | undefined): readonly DraftPart[] {
  const allowed = entra?.texts('entra_id_allowed_tenants', 'allowedtenants')
  if (allowed === undefined) return []
  const value = map([entry('claim/tid', listOf(allowed.value))])
  return [part(value, { origin: allowed })]
}

/** What only the provider's own API could tell. Sections for those that know no OpenID are all about such demands. */
function unmet(
  main: Settings,
  gitlab: Settings | undefined,
  foreign: readonly Settings[],
): readonly DraftPart[] {
  const message = 'cannot be asked of an OpenID provider: say it by groups'
  const take = (section: Settings, key: string): readonly DraftPart[] => {
    const setting = section.take(key)
    return setting === undefined ? [] : [unmetDemand(setting, section, message)]
  }
  return [
    ...UNKNOWN_DEMANDS.flatMap((key) => take(main, key)),
    ...(gitlab === undefined || gitlab === main ? [] : take(gitlab, 'projects')),
    ...foreign.flatMap((section) =>
      section.rest().flatMap((setting) => take(section, lastKey(setting))),
    ),
  ]
}

function lastKey({ subject }: Setting): string {
  return subject.slice(subject.lastIndexOf('.') + 1)
}
