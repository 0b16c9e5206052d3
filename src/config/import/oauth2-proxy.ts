/** oauth2-proxy's options, its alpha config, or both, as a Gatehouse config and policies. Every key is translated or noted. */

import type { YamlMap } from '../../support/yaml-node.ts'
import { COMMENT_OUT, type DraftEntry, entry, inlineList, inlineMap, map } from './draft.ts'
import type { NoteKind, Notes } from './notes.ts'
import { type Headers, headersOfAlpha, headersOfOptions } from './oauth2-headers.ts'
import { adviceFor } from './oauth2-left-out.ts'
import { type Demands, OPEN, PEOPLE, peoplePolicies } from './oauth2-people.ts'
import {
  type ProviderSettings,
  type TranslatedProvider,
  translateProvider,
} from './oauth2-provider.ts'
import { publicPlace, serverOfAlpha, serverOfOptions, translateSession } from './oauth2-server.ts'
import { upstreamRoutes, upstreamsOfAlpha, upstreamsOfOptions, usesOf } from './oauth2-upstreams.ts'
import { policyFiles, sharedPolicies } from './policy-drafts.ts'
import { type Settings, settingsOf } from './settings.ts'
import { CONFIG_FILE, type DraftFile } from './settle.ts'

const ALPHA_KEYS = new Set([
  'upstreamconfig',
  'injectrequestheaders',
  'injectresponseheaders',
  'metricsserver',
  'providers',
  'server',
])

/** The files for one or two files of oauth2-proxy. @param name of them, for the comments on top */
export function importOauth2Proxy(
  files: readonly YamlMap[],
  name: string,
  notes: Notes,
): readonly DraftFile[] {
  const [alphaMap, optionsMap] = [files.find(isAlpha), files.find((one) => !isAlpha(one))]
  const options = optionsMap && settingsOf(optionsMap, '', notes)
  const alpha = alphaMap && settingsOf(alphaMap, '', notes)
  const at = (optionsMap ?? alphaMap)?.at ?? { file: name, line: 1, column: 1 }
  const origin = { at, subject: name }
  const place = publicPlace(options, origin, notes)
  const server =
    alpha === undefined ? serverOfOptions(options ?? neverUsed(notes)) : serverOfAlpha(alpha)
  const providers = providersOf(options, alpha, place.callback, notes)
  const session = translateSession(options, origin, notes)
  const headers = headersFor(options, alpha, notes)
  const note = (kind: NoteKind, { at: where, subject }: typeof origin, message: string) =>
    notes.add(kind, where, subject, message)
  const policies = peoplePolicies(options, origin, joinDemands(providers), note)
  const upstreams =
    alpha === undefined
      ? upstreamsOfOptions(options ?? neverUsed(notes))
      : upstreamsOfAlpha(alpha, notes)
  const shared = sharedEntries(options, headers, policies, providers)
  const routes = upstreamRoutes(upstreams, { from: place.origin, shared, notes })
  const sections = [
    entry('server', map([...server.slice(0, 1), ...place.entries, ...server.slice(1)])),
    entry('providers', map(providers.map(({ entry: one }) => one)), { gap: true }),
    session,
    headers.section,
    entry('policies', inlineList(['policies/']), { gap: true }),
  ]
  const head = [
    `Made from ${name} by \`gatehouse import oauth2-proxy\`. What is not the same here is said in comments.`,
    notes.add('differs', at, 'endpoints', ENDPOINTS),
    ...[options, alpha].flatMap((settings) => (settings?.rest() ?? []).map(leftOut(notes))),
  ]
  return [
    { path: CONFIG_FILE, head, root: map(sections) },
    ...policyFiles(routes, (host) => [`Routes of ${host}, made from ${name}.`]),
    ...sharedPolicies(policies, [`Who may pass, made from ${name}.`]),
  ]
}

const ENDPOINTS =
  '`/oauth2/sign_in`, `/sign_out`, `/userinfo` and `/auth` are `/.gatehouse/sign_in`, `/sign_out`, `/user` and `/auth/nginx` here'

function isAlpha(file: YamlMap): boolean {
  return file.entries.some(({ key, value }) => {
    const name = key.toLowerCase()
    // A list of mappings, which the options never have.
    const isNew = name === 'upstreams' && value.kind === 'list' && value.items[0]?.kind === 'map'
    return ALPHA_KEYS.has(name) || isNew
  })
}

/** INVARIANT: one of the two files is there. */
function neverUsed(notes: Notes): Settings {
  return settingsOf({ kind: 'map', at: { file: '', line: 1, column: 1 }, entries: [] }, '', notes)
}

function leftOut(notes: Notes) {
  return ({ at, subject }: { at: YamlMap['at']; subject: string }) =>
    notes.add('left-out', at, subject, adviceFor(subject))
}

function headersFor(
  options: Settings | undefined,
  alpha: Settings | undefined,
  notes: Notes,
): Headers {
  return alpha === undefined
    ? headersOfOptions(options ?? neverUsed(notes))
    : headersOfAlpha(alpha, notes)
}

function providersOf(
  options: Settings | undefined,
  alpha: Settings | undefined,
  callback: string,
  notes: Notes,
): readonly TranslatedProvider[] {
  const listed = alpha?.take('providers')
  const items = listed?.value.kind === 'list' ? listed.value.items : []
  const maps = items.flatMap((item) => (item.kind === 'map' ? [item] : []))
  const [first, second] = maps
  if (first === undefined) {
    const settings = options ?? alpha ?? neverUsed(notes)
    return [translateProvider(providerOfOptions(settings), callback, '', notes)]
  }
  const main = settingsOf(first, 'providers[0]', notes)
  const sections = providerOfAlpha(main)
  const provider = translateProvider(sections, callback, '', notes)
  const { oidc, keycloak, gitlab, google, azure, entra, login } = sections
  for (const one of [main, oidc, keycloak, gitlab, google, azure, entra, login]) {
    for (const { at, subject } of one?.rest() ?? []) {
      notes.add('left-out', at, subject, adviceFor(lastKey(subject)))
    }
  }
  if (second !== undefined && listed !== undefined) {
    notes.add(
      'left-out',
      second.at,
      'providers[1]',
      'oauth2-proxy uses the first alone; add others by hand',
    )
  }
  return [provider]
}

function lastKey(subject: string): string {
  return subject.slice(subject.lastIndexOf('.') + 1)
}

/** In the .cfg file every key is at the top. */
function providerOfOptions(options: Settings): ProviderSettings {
  return {
    main: options,
    oidc: options,
    keycloak: options,
    gitlab: options,
    google: options,
    azure: options,
    entra: options,
    login: options,
    foreign: [],
    fillsVariables: false,
  }
}

function providerOfAlpha(main: Settings): ProviderSettings {
  const section = (name: string): Settings | undefined => {
    const setting = main.take(name)
    return setting === undefined ? undefined : main.inside(setting)
  }
  const foreign = ['githubConfig', 'bitbucketConfig'].map(section)
  return {
    main,
    oidc: section('oidcConfig'),
    keycloak: section('keycloakConfig'),
    gitlab: section('gitlabConfig'),
    google: section('googleConfig'),
    azure: section('azureConfig'),
    entra: section('microsoftEntraIDConfig'),
    login: section('loginGovConfig'),
    foreign: foreign.filter((one) => one !== undefined),
    fillsVariables: true,
  }
}

function joinDemands(providers: readonly TranslatedProvider[]): Demands {
  return {
    groups: providers.flatMap(({ demands }) => demands.groups),
    unknown: providers.flatMap(({ demands }) => demands.unknown),
  }
}

/** What every route has, made anew for each; one that answers by itself sends no headers on. */
function sharedEntries(
  options: Settings | undefined,
  headers: Headers,
  policies: readonly DraftEntry[],
  providers: readonly TranslatedProvider[],
): (forwards: boolean) => readonly DraftEntry[] {
  const preflight = options?.flag('skip_auth_preflight')
  const bearer = options?.flag('skip_jwt_bearer_tokens')
  const isOpen = policies.some(({ key }) => key === OPEN)
  const preflightComments =
    preflight?.value === true && options !== undefined
      ? [options.note('differs', preflight, 'true preflights pass, not every OPTIONS')]
      : []
  return (forwards) => [
    ...(forwards ? headers.routeEntries() : []),
    ...(preflight?.value === true
      ? [entry('cors_allow_preflight', true, { origin: preflight, comments: preflightComments })]
      : []),
    ...(bearer?.value === true && options !== undefined
      ? bearerEntries(bearer, providers, [
          options.note('differs', bearer, 'access tokens pass, ID tokens no longer do'),
        ])
      : []),
    usesOf(isOpen ? [OPEN, PEOPLE] : [PEOPLE]),
  ]
}

function bearerEntries(
  origin: { readonly at: YamlMap['at']; readonly subject: string },
  providers: readonly TranslatedProvider[],
  comments: DraftEntry['comments'],
): readonly DraftEntry[] {
  const [first] = providers
  if (first === undefined) return []
  const audience = inlineList([first.clientId])
  const value = inlineMap({ provider: first.name, audience })
  return [entry('bearer', value, { origin, comments, fallbacks: [COMMENT_OUT] })]
}
