/** A Pomerium config as a Gatehouse config and policies. Every key of it is translated or noted. */

import type { YamlMap, YamlNode } from '../../support/yaml-node.ts'
import { type DraftEntry, type DraftPart, entry, inlineList, list, map, part } from './draft.ts'
import type { Notes } from './notes.ts'
import {
  createNames,
  type HostedRoute,
  policyFiles,
  routeName,
  sharedPolicies,
} from './policy-drafts.ts'
import { CERTIFICATE_POLICY, certificateRule } from './pomerium-access.ts'
import { translateClientCertificates } from './pomerium-certificates.ts'
import { serverHsts } from './pomerium-hsts.ts'
import { translateIdentity } from './pomerium-identity.ts'
import { adviceFor } from './pomerium-left-out.ts'
import { placeOf, type RoutePlace } from './pomerium-place.ts'
import { translateProviders } from './pomerium-provider.ts'
import { type RouteDefaults, translateRoute } from './pomerium-route.ts'
import { translateLogging, translateServer, translateSession } from './pomerium-server.ts'
import { type Settings, settingsOf, textOf } from './settings.ts'
import { CONFIG_FILE, type DraftFile } from './settle.ts'

interface RouteSource {
  readonly node: YamlNode
  readonly subject: string
}

/** The files for `file`. @param name of the imported file, for the comments on top */
export function importPomerium(file: YamlMap, name: string, notes: Notes): readonly DraftFile[] {
  const settings = settingsOf(file, '', notes)
  const sources = routeSources(settings)
  const maps = sources.flatMap(({ node, subject }) =>
    node.kind === 'map' ? [{ node, subject, place: placeOf(node) }] : [],
  )
  const places = maps.map(({ place }) => place)
  const certificates = translateClientCertificates(settings)
  const providers = translateProviders(settings, notes)
  const responseHeaders = settings.take('set_response_headers', 'headers')
  const server = translateServer(
    settings,
    places.map(({ host }) => host),
    [...certificates.entries, ...serverHsts(responseHeaders, notes)],
  )
  const session = translateSession(settings, notes)
  const identity = translateIdentity(settings)
  const defaults: RouteDefaults = {
    notes,
    places,
    passIdentityHeaders: settings.flag('pass_identity_headers')?.value ?? false,
    timeout: settings.text('default_upstream_timeout'),
    responseHeaders,
    needsCertificate: certificates.needed,
    providerFor: providers.providerFor,
  }
  const routes = translateRoutes(maps, defaults)
  for (const { node, subject } of sources) {
    if (node.kind !== 'map') notes.add('left-out', node.at, subject, 'is no route')
  }
  const sections = [
    server,
    entry('providers', providers.finish(), { gap: true }),
    session,
    identity,
    ...translateLogging(settings),
    entry('policies', inlineList(['policies/']), { gap: true }),
  ]
  const head = [
    `Made from ${name} by \`gatehouse import pomerium\`. What is not the same here is said in comments.`,
    ...settings
      .rest()
      .map((one) => notes.add('left-out', one.at, one.subject, adviceFor(one.subject))),
    ...responseNotes(settings, defaults),
  ]
  return [
    { path: CONFIG_FILE, head, root: map(sections) },
    ...policyFiles(routes, (host) => [`Routes of ${host}, made from ${name}.`]),
    ...sharedPolicies(shared(certificates.needed, notes, settings), [`Made from ${name}.`]),
  ]
}

/** `routes`, and the older name of the same. */
function routeSources(settings: Settings): readonly RouteSource[] {
  return ['routes', 'policy'].flatMap((key) => {
    const setting = settings.take(key)
    if (setting === undefined) return []
    const { value, subject } = setting
    if (value.kind === 'list') {
      return value.items.map((node, index) => ({ node, subject: `${subject}[${index}]` }))
    }
    settings.note('left-out', setting, 'takes a list of routes; something else is written')
    return []
  })
}

function translateRoutes(
  maps: readonly { readonly node: YamlMap; readonly subject: string; readonly place: RoutePlace }[],
  defaults: RouteDefaults,
): readonly HostedRoute[] {
  const names = createNames()
  return maps.map(({ node, subject, place }) => {
    const route = settingsOf(node, subject, defaults.notes)
    const written = node.entries.find(({ key }) => key.toLowerCase() === 'name')?.value
    const wanted = routeName(written && textOf(written), place.host, place.text)
    return {
      host: place.host,
      part: translateRoute(route, names(wanted), place, defaults, subject),
    }
  })
}

/** Pomerium adds headers of its own to every answer unless it is told not to. */
function responseNotes(settings: Settings, { responseHeaders }: RouteDefaults): readonly string[] {
  if (responseHeaders !== undefined) return []
  const origin = { at: settings.at, subject: 'set_response_headers' }
  const message =
    'Pomerium adds `X-Frame-Options: SAMEORIGIN` and `X-XSS-Protection` to the answers of apps; here apps send their own, and the gateway Strict-Transport-Security without `includeSubDomains` and `preload`'
  return [settings.note('differs', origin, message)]
}

function shared(needed: boolean, notes: Notes, settings: Settings): readonly DraftEntry[] {
  if (!needed) return []
  const message =
    'in Pomerium it is refused before any policy; here by this rule, which every route uses, so nobody gets in without `server.client_ca`'
  const rule: DraftPart = part(certificateRule().value, {
    comments: [notes.add('differs', settings.at, 'downstream_mtls', message)],
  })
  return [entry(CERTIFICATE_POLICY, list([rule]))]
}
