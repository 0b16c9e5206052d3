/** One criterion of Pomerium's language in ours. */

import type { YamlEntry, YamlNode } from '../../support/yaml-node.ts'
import {
  type DraftNode,
  type DraftPart,
  entry,
  inlineMap,
  list,
  map,
  type Origin,
  part,
} from './draft.ts'
import type { NoteKind, Notes } from './notes.ts'
import { asMeant, hasNegativeKey, neverHolds, textsIn } from './ppl-matchers.ts'
import { copyOf } from './yaml-drafts.ts'

export interface CriterionPlace {
  /** Whether its holding lets someone in, rather than keeps someone out. */
  readonly grants: boolean
  readonly subject: string
  readonly notes: Notes
}

/** What any certificate that is admitted at all has. */
export const ANY_CERTIFICATE = { matches: '[0-9a-f]{64}' }

interface Context extends CriterionPlace {
  /** As in `claim/department`. */
  readonly key: string
  readonly path: string
  readonly origin: Origin
  readonly comments: string[]
}

type Translate = (data: YamlNode, context: Context) => DraftNode

const CRITERIA: ReadonlyMap<string, Translate> = new Map([
  ['accept', withoutData],
  ['reject', withoutData],
  ['authenticated_user', withoutData],
  ['cors_preflight', withoutData],
  ['user', textCriterion],
  ['email', textCriterion],
  ['domain', textCriterion],
  ['http_path', textCriterion],
  ['http_method', textCriterion],
  ['groups', groups],
  ['claim', claim],
  ['invalid_client_certificate', invalidCertificate],
  ['time_of_day', timeOfDay],
])

/** The item for `item`. What the check refuses of it becomes a constant that lets in nobody besides. */
export function translateCriterion(item: YamlNode, place: CriterionPlace): DraftPart {
  const [only, second] = item.kind === 'map' ? item.entries : []
  const origin = { at: item.at, subject: place.subject }
  if (only === undefined || second !== undefined) {
    const message = `is no criterion in Pomerium either; ${standInText(place.grants)}`
    const comment = place.notes.add('left-out', item.at, place.subject, message)
    return { ...constantItem(place.grants), comments: [comment] }
  }
  const comments: string[] = []
  const value = translateEntry(only, { ...place, origin, comments })
  return part(value, {
    comments,
    origin: { at: only.keyAt, subject: `${place.subject}.${only.key}` },
    fallbacks: [
      {
        kind: 'instead',
        value: constantItem(place.grants).value,
        why: standInText(place.grants),
      },
    ],
  })
}

function translateEntry(
  { key, keyAt, value }: YamlEntry,
  around: Omit<Context, 'key' | 'path'>,
): DraftNode {
  const slash = key.indexOf('/')
  const name = (slash < 0 ? key : key.slice(0, slash)).toLowerCase()
  const path = slash < 0 ? '' : key.slice(slash + 1)
  const written = slash < 0 ? name : `${name}/${path}`
  const origin = { at: keyAt, subject: `${around.subject}.${key}` }
  // What is not known here is left to the check, which says best why not.
  const translate = CRITERIA.get(name) ?? unchanged
  return translate(value, { ...around, origin, key: written, path })
}

/** `reject: true` where holding would let someone in, else `accept: true`: nobody gets in by it. */
export function constantItem(grants: boolean): DraftPart {
  return part(inlineMap(grants ? { reject: true } : { accept: true }))
}

function standInText(grants: boolean): string {
  return grants
    ? 'it is `reject: true`, which lets nobody in'
    : 'it is `accept: true`, which counts as met, so that nobody slips past'
}

function note({ notes, origin, comments }: Context, kind: NoteKind, message: string): void {
  comments.push(notes.add(kind, origin.at, origin.subject, message))
}

function unchanged(data: YamlNode, { key }: Context): DraftNode {
  return { ...map([entry(key, copyOf(data))]), inline: false }
}

function withoutData(data: YamlNode, context: Context): DraftNode {
  if (data.kind !== 'scalar' || data.value !== true) {
    note(context, 'differs', 'Pomerium looks at no value here, not even `false`; it is `true`')
  }
  return inlineMap({ [context.key]: true })
}

function textCriterion(data: YamlNode, context: Context): DraftNode {
  const { key } = context
  if (key === 'email' || key === 'domain') noteCase(data, context)
  if (key === 'email' && hasNegativeKey(data)) noteAnonymous(context)
  const isLowerMethod =
    key === 'http_method' &&
    !hasNegativeKey(data) &&
    textsIn(data).some((text) => /[a-z]/.test(text))
  if (isLowerMethod) {
    return neverInPomerium(data, context, 'a method in lower case', (text) => text.toUpperCase())
  }
  if (neverHolds(data, false)) return neverInPomerium(data, context, whatIsNoText(data))
  return unchanged(data, context)
}

function whatIsNoText(data: YamlNode): string {
  return data.kind === 'scalar' ? 'what is no text' : 'a list, or what is no text,'
}

/** Pomerium takes it and never finds it. Kept so where it would let in; where it keeps out, it says what was meant. */
function neverInPomerium(
  data: YamlNode,
  context: Context,
  what: string,
  change: (text: string) => string = (text) => text,
): DraftNode {
  const meant = map([entry(context.key, asMeant(data, context.key.startsWith('claim/'), change))])
  if (!context.grants) {
    note(context, 'differs', `Pomerium never matches ${what} here; written as it was meant`)
    return meant
  }
  const message = `Pomerium never matches ${what} here, so nobody got in by it; meant was what stands behind it`
  note(context, 'differs', message)
  return map([...constantEntries(), { ...entry(context.key, meantData(meant)), off: true }])
}

function constantEntries() {
  return [entry('reject', true)]
}

function meantData(meant: ReturnType<typeof map>): DraftNode {
  return meant.entries[0]?.value ?? meant
}

function noteCase(data: YamlNode, context: Context): void {
  if (textsIn(data).some((text) => /[A-Z]/.test(text))) {
    note(context, 'differs', 'Pomerium compares with regard to case, here case makes no difference')
  }
}

function noteAnonymous(context: Context): void {
  const message =
    'in Pomerium this also holds for whoever is not signed in; here a sign-in is asked for first'
  note(context, 'differs', message)
}

function groups(data: YamlNode, context: Context): DraftNode {
  const message =
    'Pomerium compares ids of its directory alone; here ids and names count, of the claim and of the directory'
  note(context, 'differs', message)
  if (neverHolds(data, true)) return neverInPomerium(data, context, 'a list here')
  return unchanged(data, context)
}

function claim(data: YamlNode, context: Context): DraftNode {
  const kind = context.grants ? 'decide' : 'differs'
  if (context.path.includes('/') && !context.path.includes('://')) {
    const message =
      'Pomerium knows nested claims by dots and finds nothing behind a slash; here both lead to it'
    note(context, kind, message)
  }
  if (/[A-Z]/.test(context.path)) {
    const message = 'Pomerium reads the name in lower case; here it is compared as written'
    note(context, kind, message)
  }
  if (hasNegativeKey(data)) noteAnonymous(context)
  if (neverHolds(data, true)) return neverInPomerium(data, context, 'a list here')
  return unchanged(data, context)
}

/** True in Pomerium for whoever shows no certificate, or none that holds. */
function invalidCertificate(_data: YamlNode, context: Context): DraftNode {
  const message =
    'written as the absence of a certificate: one that `server.client_ca` did not sign is refused before'
  note(context, 'differs', message)
  const certificate = inlineMap({ fingerprint: inlineMap(ANY_CERTIFICATE) })
  return map([entry('not', list([part(map([entry('client_certificate', certificate)]))]))])
}

function timeOfDay(data: YamlNode, context: Context): DraftNode {
  const keys = data.kind === 'map' ? data.entries.map(({ key }) => key.toLowerCase()) : []
  if (keys.includes('after') && keys.includes('before')) {
    note(context, 'differs', 'a window that ends before it begins goes over midnight here')
  }
  return unchanged(data, context)
}
