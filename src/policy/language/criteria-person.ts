/** Criteria about who somebody is. For an anonymous request each of them is unknown, whatever its matcher. */

import { parseDurationMs } from '../../support/duration.ts'
import { type Position, warning } from '../../support/problem.ts'
import { didYouMean } from '../../support/suggest.ts'
import type { YamlNode } from '../../support/yaml-node.ts'
import { FALSE, type StepUp, TRUE, UNKNOWN } from '../compiled-policy.ts'
import type { Person } from '../model.ts'
import { compileClaimPath } from './claim-path.ts'
import { type CriterionBody, type CriterionCompiler, personPart, proofPart } from './criterion.ts'
import { equalsFolded, foldAscii } from './fold.ts'
import { compileMatcher, type MatcherKey, type MatcherKind } from './matchers.ts'
import { MissingNowError } from './time-criteria.ts'

const asWritten = (text: string): string => text

/** How texts that compare exactly are matched. */
export function exactText(name: string): MatcherKind {
  return { name, list: false, scalars: false, fold: asWritten, ignoreCase: false }
}

/** How e-mails, domains and the names in a certificate are matched. */
export function foldedText(name: string): MatcherKind {
  return { name, list: false, scalars: false, fold: foldAscii, ignoreCase: true }
}

/** How lists are matched; claims may also hold numbers and booleans. */
export function listOf(name: string, scalars: boolean): MatcherKind {
  return { name, list: true, scalars, fold: asWritten, ignoreCase: false }
}

/** `user`, the `sub`. */
export const user: CriterionCompiler = (data, { report }) => {
  const keys = compileMatcher(data, exactText('user'), report)
  return partsOf(keys, (key) => personPart('user', 'user', key, (person) => key.holds(person.sub)))
}

/** `provider`, by its name in the config. */
export const provider: CriterionCompiler = (data, { report, warn, providers }) => {
  const keys = compileMatcher(data, exactText('provider'), report)
  for (const { at, values = [] } of providers === undefined ? [] : (keys ?? [])) {
    for (const name of values.map(String)) {
      if (name === LOCAL || providers?.has(name) === true) continue
      warn(at, `the config has no provider \`${name}\`${didYouMean(name, providers ?? [])}`)
    }
  }
  return partsOf(keys, (key) =>
    personPart('provider', 'provider', key, (person) => key.holds(person.provider)),
  )
}

/** The provider of break-glass accounts, which is in no config. */
const LOCAL = 'local'

/** `email`. */
export const email: CriterionCompiler = (data, { report }) => {
  const keys = compileMatcher(data, foldedText('email'), report)
  return partsOf(keys, (key) =>
    personPart(
      'email',
      'e-mail',
      key,
      ({ email }) => email !== undefined && key.holds(foldAscii(email)),
    ),
  )
}

/** `domain`, what stands behind the one `@` of the e-mail. */
export const domain: CriterionCompiler = (data, { report }) => {
  const keys = compileMatcher(data, { ...foldedText('domain'), check: notADomain }, report)
  const body = partsOf(keys, (key) => personPart('domain', 'e-mail domain', key, domainTest(key)))
  const end = textBehind(data, 'ends_with')
  if (body === undefined || end === undefined || end.text.startsWith('.')) return body
  const message =
    `\`ends_with: ${end.text}\` also takes \`not${end.text}\`; write \`.${end.text}\` for its sub-domains, ` +
    'or `is` for the domain itself'
  return { ...body, loose: [warning(end.at, message)] }
}

function notADomain(text: string): string | undefined {
  return text.includes('@') ? 'a domain has no `@`; `email` compares whole addresses' : undefined
}

/** The text that a matcher's mapping has behind `operator`. */
export function textBehind(
  data: YamlNode,
  operator: string,
): { readonly text: string; readonly at: Position } | undefined {
  if (data.kind !== 'map') return undefined
  const value = data.entries.find(({ key }) => key === operator)?.value
  if (value?.kind !== 'scalar' || typeof value.value !== 'string') return undefined
  return { text: value.value, at: value.at }
}

function domainTest(key: MatcherKey): (person: Person) => boolean {
  const only = key.operator === 'is' || key.operator === 'not' ? key.values?.[0] : undefined
  return ({ email }) => {
    if (email === undefined) return false
    const at = email.indexOf('@')
    if (at < 0 || email.indexOf('@', at + 1) >= 0 || at + 1 === email.length) return false
    // The usual case, without cutting the text in two.
    if (typeof only === 'string') return equalsFolded(email, only, at + 1)
    return key.holds(foldAscii(email.slice(at + 1)))
  }
}

/** `claim/PATH`. */
export const claim: CriterionCompiler = (data, { key: name, path, keyAt, report }) => {
  if (path === '') return report(keyAt, 'which claim? write `claim/NAME`')
  const lookup = compileClaimPath(path)
  if (lookup === undefined) return report(keyAt, 'the path of the claim has too many steps')
  const keys = compileMatcher(data, listOf(name, true), report)
  return partsOf(keys, (key) =>
    personPart('claim', `claim ${path}:`, key, ({ claims }) => holdsInList(key, lookup(claims))),
  )
}

/** Whether `value`, one value or a list of them, satisfies the key's positive twin. */
export function holdsInList(key: MatcherKey, value: unknown): boolean {
  if (!Array.isArray(value)) return key.holds(value)
  if (key.only) return holdsAlone(key, value)
  for (let i = 0; i < value.length; i++) if (key.holds(value[i])) return true
  return false
}

function holdsAlone(key: MatcherKey, list: readonly unknown[]): boolean {
  // Null is no value, so it is no element either.
  const values = list.filter((element) => element !== null && element !== undefined)
  return values.length === 1 && key.holds(values[0])
}

/** `authenticated_user: true`. */
export const authenticatedUser: CriterionCompiler = (data, { key, report }) => {
  if (data.kind !== 'scalar' || data.value !== true) {
    return report(data.at, `\`${key}\` takes \`true\` and nothing else`)
  }
  return {
    parts: [
      {
        kind: 'sign_in',
        evaluate: (_facts, subject) => (subject.kind === 'anonymous' ? UNKNOWN : TRUE),
        describe: (wanted) => (wanted ? 'a sign-in' : 'nobody signed in'),
      },
    ],
  }
}

/** `acr`, how the sign-in was done, by the provider's name for it. */
export const acr: CriterionCompiler = (data, { report }) => {
  const keys = compileMatcher(data, exactText('acr'), report)
  return partsOf(keys, (key) =>
    proofPart('sign-in with acr', key, (person) => key.holds(person.acr), {
      acrValues: (key.values ?? []).map(String),
      maxAgeSeconds: undefined,
    }),
  )
}

/** `amr`, the means that the sign-in used. */
export const amr: CriterionCompiler = (data, { report }) => {
  const keys = compileMatcher(data, listOf('amr', false), report)
  return partsOf(keys, (key) =>
    proofPart('sign-in with amr', key, (person) => holdsInList(key, person.amr), NOTHING_ASKED),
  )
}

const NOTHING_ASKED: StepUp = { acrValues: [], maxAgeSeconds: undefined }

/** `auth_age: { below: 15m }`, since the person last proved themselves. */
export const authAge: CriterionCompiler = (data, { report }) => {
  if (data.kind !== 'map') return report(data.at, '`auth_age` takes `{ below: 15m }`')
  const unknown = data.entries.filter(({ key }) => key !== 'below')
  for (const { key, keyAt } of unknown) {
    report(keyAt, `unknown key \`${key}\` in \`auth_age\`; it takes \`below\``)
  }
  if (unknown.length > 0) return undefined
  const below = data.entries[0]?.value
  if (below === undefined) return report(data.at, '`auth_age` needs `below`, as in `below: 15m`')
  const written = below.kind === 'scalar' && typeof below.value === 'string' ? below.value : ''
  const limit = parseDurationMs(written)
  if (limit === undefined || limit === 0) {
    return report(below.at, '`below` takes a duration such as `15m` or `8h`, and more than none')
  }
  return { parts: [authAgePart(limit, written)] }
}

function authAgePart(limitMs: number, written: string): CriterionBody['parts'][number] {
  const text = `sign-in less than ${written} ago`
  return {
    kind: 'stronger_sign_in',
    evaluate: (facts, subject, provedAgain) => {
      if (subject.kind === 'anonymous') return UNKNOWN
      if (provedAgain) return TRUE
      if (subject.authTime === undefined) return FALSE
      if (facts.now === undefined) throw new MissingNowError()
      return facts.now - subject.authTime < limitMs ? TRUE : FALSE
    },
    describe: (wanted) => (wanted ? text : `not ${text}`),
    stepUp: { acrValues: [], maxAgeSeconds: Math.ceil(limitMs / 1000), wanted: true },
  }
}

/** One part for each key; `undefined` where the matcher was refused. */
export function partsOf(
  keys: readonly MatcherKey[] | undefined,
  part: (key: MatcherKey) => CriterionBody['parts'][number],
): CriterionBody | undefined {
  return keys === undefined ? undefined : { parts: keys.map(part) }
}
