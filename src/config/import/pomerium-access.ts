/** Who may pass a Pomerium route: its policy and its shorthands, which are all joined by `or`. */

import type { YamlEntry, YamlMap, YamlNode } from '../../support/yaml-node.ts'
import {
  COMMENT_OUT,
  type DraftEntry,
  type DraftPart,
  entry,
  inlineMap,
  list,
  map,
  type Origin,
  part,
} from './draft.ts'
import type { Notes } from './notes.ts'
import { translatePolicy } from './ppl.ts'
import { ANY_CERTIFICATE } from './ppl-criteria.ts'
import type { Settings } from './settings.ts'
import { listOf } from './yaml-drafts.ts'

/** The named policy that keeps out who shows no certificate. */
export const CERTIFICATE_POLICY = 'client-certificate'

/** Its rule: a certificate is judged by its signature before, so any will do. */
export function certificateRule(): DraftPart {
  const certificate = inlineMap({ fingerprint: inlineMap(ANY_CERTIFICATE) })
  const criterion = part(map([entry('client_certificate', certificate)]))
  return part(map([entry('deny', map([entry('not', list([criterion]))]))]))
}

export interface AccessOptions {
  readonly notes: Notes
  /** Pomerium refuses whoever shows no certificate that holds. */
  readonly needsCertificate: boolean
}

/** The keys of the route that say who may pass; comments for the route besides. */
export function translateAccess(
  route: Settings,
  { notes, needsCertificate }: AccessOptions,
): { readonly entries: readonly DraftEntry[]; readonly comments: readonly string[] } {
  const comments: string[] = []
  const policy = route.take('policy')
  const isPublic = route.flag('allow_public_unauthenticated_access')
  const preflight = route.flag('cors_allow_preflight')
  const shorthands = readShorthands(route, notes)
  const unreadable = route.take('sub_policies')
  if (unreadable !== undefined) {
    const message = 'policies of the console cannot be read here; the route refuses everyone'
    comments.push(route.note('left-out', unreadable, message))
    return { entries: [], comments }
  }
  const rules =
    policy === undefined ? [] : [...translatePolicy(policy.value, policy.subject, notes)]
  const opened = isPublic?.value === true
  const denies = needsCertificate || rules.some(hasDeny)
  if (opened && denies) rules.unshift(everyone())
  if (needsCertificate) rules.push(part(map([entry('use', CERTIFICATE_POLICY)])))
  const entries: DraftEntry[] = []
  if (preflight !== undefined) {
    entries.push(entry('cors_allow_preflight', preflight.value, { origin: preflight }))
  }
  if (opened && !denies) {
    entries.push(entry('allow_public_unauthenticated_access', true, { origin: isPublic }))
    const idle: readonly Origin[] = [...shorthands.map(originOf), ...(policy ? [policy] : [])]
    for (const one of idle) comments.push(route.note('left-out', one, ADDS_NOTHING))
    return { entries, comments }
  }
  entries.push(...shorthands)
  if (rules.length > 0) entries.push(entry('policy', list(rules), { origin: policy }))
  return { entries, comments }
}

const ADDS_NOTHING = 'adds nothing beside `allow_public_unauthenticated_access: true`'

function originOf(one: DraftEntry): Origin {
  return one.origin ?? { at: { file: '', line: 1, column: 1 }, subject: one.key }
}

function everyone(): DraftPart {
  return part(map([entry('allow', map([entry('or', list([part(inlineMap({ accept: true }))]))]))]))
}

function hasDeny({ value }: DraftPart): boolean {
  return value.kind === 'map' && value.entries.some(({ key }) => key === 'deny')
}

function readShorthands(route: Settings, notes: Notes): readonly DraftEntry[] {
  const anyone = route.flag('allow_any_authenticated_user')
  const entries: DraftEntry[] = []
  if (anyone !== undefined) {
    entries.push(entry('allow_any_authenticated_user', anyone.value, { origin: anyone }))
  }
  for (const key of ['allowed_users', 'allowed_domains', 'allowed_groups'] as const) {
    const texts = route.texts(key)
    if (texts === undefined) continue
    const comments =
      key === 'allowed_groups' || !texts.value.some((text) => /[A-Z]/.test(text))
        ? []
        : [
            route.note(
              'differs',
              texts,
              'Pomerium compares with regard to case; here it makes none',
            ),
          ]
    const options = { origin: texts, fallbacks: [COMMENT_OUT], comments }
    entries.push(entry(key, listOf(texts.value), options))
  }
  const claims = route.take('allowed_idp_claims')
  if (claims !== undefined) {
    const flat = flatten(claims.value)
    const origin = { at: claims.at, subject: claims.subject }
    if (flat.length === 0) route.note('left-out', claims, 'names no claim with values')
    else {
      const options = {
        origin,
        fallbacks: [COMMENT_OUT],
        comments: claimNotes(flat, origin, notes),
      }
      entries.push(entry('allowed_idp_claims', map(flat), options))
    }
  }
  return entries
}

type Value = string | number | boolean

/** Nested claims as Pomerium flattens them: `{ realm_access: { roles: [a] } }` is `realm_access.roles: [a]`. */
function flatten(node: YamlNode): readonly DraftEntry[] {
  const values = new Map<string, readonly Value[]>()
  const walk = ({ key, value }: YamlEntry, path: string): void => {
    const name = path === '' ? key : `${path}.${key}`
    if (value.kind === 'map') for (const inner of value.entries) walk(inner, name)
    // One name may be reached in two ways; any of the values is enough.
    else values.set(name, [...(values.get(name) ?? []), ...valuesIn(value)])
  }
  if (node.kind === 'map') for (const inner of node.entries) walk(inner, '')
  // What has no value, or one that cannot be compared, is left for the check to refuse.
  return [...values].map(([name, all]) => entry(name, all.length === 0 ? '' : listOf(all)))
}

function valuesIn(node: Exclude<YamlNode, YamlMap>): readonly Value[] {
  const items = node.kind === 'list' ? node.items : [node]
  return items.map((item) => (item.kind === 'scalar' ? (item.value ?? '') : ''))
}

function claimNotes(flat: readonly DraftEntry[], origin: Origin, notes: Notes): readonly string[] {
  if (!flat.some(({ key }) => /[A-Z]/.test(key))) return []
  const message = 'Pomerium reads names in lower case; here they are compared as written'
  return [notes.add('decide', origin.at, origin.subject, message)]
}
