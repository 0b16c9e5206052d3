/** Criteria about the request and its connection. They are never unknown: no sign-in changes them. */

import { type Position, warning } from '../../support/problem.ts'
import type { YamlNode } from '../../support/yaml-node.ts'
import { type CriterionPart, type Evaluate, FALSE, TRUE } from '../compiled-policy.ts'
import type { ClientCertificate, Facts } from '../model.ts'
import { type AddressTest, compileNetwork } from './address.ts'
import { exactText, foldedText, partsOf, textBehind } from './criteria-person.ts'
import {
  type CriterionBody,
  type CriterionCompiler,
  type CriterionContext,
  describeKey,
  requestPart,
} from './criterion.ts'
import { foldAscii } from './fold.ts'
import { hasHeader, isHeaderName, someHeader } from './headers.ts'
import { compileMatcher, type MatcherKey, type MatcherKind } from './matchers.ts'

/** `accept: true` and `reject: true`. */
export function constant(truth: typeof TRUE | typeof FALSE): CriterionCompiler {
  return (data, { key, report }) => {
    if (data.kind !== 'scalar' || data.value !== true) {
      return report(data.at, `\`${key}\` takes \`true\` and nothing else`)
    }
    return { parts: [], constant: truth }
  }
}

/** `http_method`; methods are told apart by case, so one in lower case would never be met. */
export const httpMethod: CriterionCompiler = (data, { report }) => {
  const check = (text: string, operator: string): string | undefined =>
    operator !== 'matches' && /[a-z]/.test(text)
      ? `methods are written in upper case: \`${text.toUpperCase()}\``
      : undefined
  const keys = compileMatcher(data, { ...exactText('http_method'), check }, report)
  return partsOf(keys, (key) =>
    requestPart('request', 'method', key, (facts) => key.holds(facts.method)),
  )
}

/** `http_path`, decoded once, without the query. */
export const httpPath: CriterionCompiler = (data, { report }) => {
  const keys = compileMatcher(data, exactText('http_path'), report)
  const body = partsOf(keys, (key) =>
    requestPart('request', 'path', key, (facts) => key.holds(facts.path)),
  )
  const start = textBehind(data, 'starts_with')
  if (body === undefined || start === undefined) return body
  const { text, at } = start
  if (!text.startsWith('/') || text.endsWith('/')) return body
  const message =
    `\`starts_with: ${text}\` also takes \`${text}x\`; write \`${text}/\`, ` +
    `or \`matches: ${text}(/.*)?\` for it and all below`
  return { ...body, loose: [warning(at, message)] }
}

/** `source_ip`, an address or network or a list of them. */
export const sourceIp: CriterionCompiler = (data, context) => {
  const items = data.kind === 'list' ? data.items : [data]
  if (items.length === 0) return context.report(data.at, 'an empty list of addresses never holds')
  const tests: AddressTest[] = []
  const texts: string[] = []
  for (const item of items) {
    const network = readNetwork(item, context)
    if (network === undefined) continue
    tests.push(network.contains)
    texts.push(network.text)
  }
  if (tests.length !== items.length) return undefined
  const text = `source address ${texts.join(' or ')}`
  const evaluate: Evaluate = (facts) => {
    for (let i = 0; i < tests.length; i++) {
      if ((tests[i] as AddressTest)(facts.sourceIp)) return TRUE
    }
    return FALSE
  }
  return {
    parts: [{ kind: 'request', evaluate, describe: (wanted) => (wanted ? text : `not ${text}`) }],
  }
}

function readNetwork(
  item: YamlNode,
  { report, warn }: CriterionContext,
): { readonly contains: AddressTest; readonly text: string } | undefined {
  if (item.kind !== 'scalar' || typeof item.value !== 'string') {
    return report(item.at, '`source_ip` takes an address or a CIDR network, or a list of them')
  }
  const network = compileNetwork(item.value)
  if (typeof network === 'string') return report(item.at, network)
  if (network.hostBitsSet) {
    warn(item.at, `\`${item.value}\` means the whole network; write \`${network.canonical}\``)
  }
  return { contains: network.contains, text: item.value }
}

/** `cors_preflight: true` (Fetch standard, CORS-preflight request). */
export const corsPreflight: CriterionCompiler = (data, { key, report }) => {
  if (data.kind !== 'scalar' || data.value !== true) {
    return report(data.at, `\`${key}\` takes \`true\` and nothing else`)
  }
  return { parts: [PREFLIGHT] }
}

const PREFLIGHT: CriterionPart = {
  kind: 'request',
  evaluate: (facts) => (isPreflight(facts) ? TRUE : FALSE),
  describe: (wanted) => (wanted ? 'a CORS preflight' : 'not a CORS preflight'),
}

// Headers are asked for only where the method leaves it open: a comparison with a log knows none of them.
function isPreflight(facts: Facts): boolean {
  return (
    facts.method === 'OPTIONS' &&
    hasHeader(facts.rawHeaders, 'origin') &&
    hasHeader(facts.rawHeaders, 'access-control-request-method')
  )
}

/** `header/NAME`; values compare exactly. */
export const header: CriterionCompiler = (data, { key: written, path, keyAt, report }) => {
  if (path === '') return report(keyAt, 'which header? write `header/NAME`')
  if (!isHeaderName(path)) return report(keyAt, `\`${path}\` is no name of a header`)
  const name = path.toLowerCase()
  const keys = compileMatcher(data, exactText(written), report)
  return partsOf(keys, (key) =>
    requestPart('request', `header ${path}:`, key, (facts) =>
      someHeader(facts.rawHeaders, name, key.holds),
    ),
  )
}

/** `client_certificate`; without a certificate it is false whatever is asked. */
export const clientCertificate: CriterionCompiler = (data, { report }) => {
  if (data.kind !== 'map' || data.entries.length === 0) {
    return report(data.at, '`client_certificate` takes `fingerprint`, `san_email` or `san_dns`')
  }
  const parts: CriterionPart[] = []
  let broken = false
  for (const { key, keyAt, value } of data.entries) {
    const field = CERTIFICATE_FIELDS[key]
    const compiled = field === undefined ? unknownField(key, keyAt, report) : field(value, report)
    if (compiled === undefined) broken = true
    else parts.push(...compiled.parts)
  }
  return broken ? undefined : { parts }
}

type Field = (data: YamlNode, report: CriterionContext['report']) => CriterionBody | undefined

const CERTIFICATE_FIELDS: Readonly<Record<string, Field | undefined>> = Object.assign(
  Object.create(null),
  {
    fingerprint: certificateField(fingerprintKind(), (certificate) => [certificate.fingerprint]),
    san_email: certificateField(foldedText('san_email'), ({ sanEmail }) => sanEmail),
    san_dns: certificateField(foldedText('san_dns'), ({ sanDns }) => sanDns),
  } satisfies Record<string, Field>,
)

function unknownField(key: string, at: Position, report: CriterionContext['report']): undefined {
  const known = '`fingerprint`, `san_email` and `san_dns`'
  if (key === 'spki_hash' || key === 'san_uri') {
    return report(at, `Gatehouse does not have \`${key}\` of Pomerium; a certificate has ${known}`)
  }
  return report(at, `unknown key \`${key}\` in \`client_certificate\`; it takes ${known}`)
}

function fingerprintKind(): MatcherKind {
  const plain = (text: string): string => text.replaceAll(':', '').toLowerCase()
  const whole = new Set(['is', 'not', 'in', 'not_in'])
  return {
    ...foldedText('fingerprint'),
    fold: plain,
    check: (text, operator) =>
      whole.has(operator) && !/^[0-9a-f]{64}$/.test(plain(text))
        ? 'a fingerprint is SHA-256: 64 hex digits, with or without colons'
        : undefined,
  }
}

function certificateField(
  kind: MatcherKind,
  values: (certificate: ClientCertificate) => readonly string[],
): Field {
  return (data, report) =>
    partsOf(compileMatcher(data, kind, report), (key) => certificatePart(kind.name, key, values))
}

function certificatePart(
  name: string,
  key: MatcherKey,
  values: (certificate: ClientCertificate) => readonly string[],
): CriterionPart {
  const twin = (certificate: ClientCertificate): boolean =>
    values(certificate).some((value) => key.holds(foldAscii(value)))
  return {
    kind: 'client_certificate',
    evaluate: ({ clientCertificate }) => {
      if (clientCertificate === undefined) return FALSE
      return twin(clientCertificate) === key.negative ? FALSE : TRUE
    },
    describe: describeKey(`client certificate with ${name}`, key),
  }
}
