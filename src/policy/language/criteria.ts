/** The criteria by name, and how one item of a policy becomes a criterion. */

import { didYouMean } from '../../support/suggest.ts'
import type { YamlEntry } from '../../support/yaml-node.ts'
import {
  type Criterion,
  type CriterionPart,
  type Evaluate,
  FALSE,
  TRUE,
  type Truth,
  UNKNOWN,
} from '../compiled-policy.ts'
import { groups } from './criteria-groups.ts'
import {
  acr,
  amr,
  authAge,
  authenticatedUser,
  claim,
  domain,
  email,
  provider,
  user,
} from './criteria-person.ts'
import {
  clientCertificate,
  constant,
  corsPreflight,
  header,
  httpMethod,
  httpPath,
  sourceIp,
} from './criteria-request.ts'
import type { CriterionBody, CriterionCompiler, CriterionContext } from './criterion.ts'
import { flowText, isCut, wholeFlowText } from './flow-text.ts'
import { date, dayOfWeek, timeOfDay } from './time-criteria.ts'

const CRITERIA: ReadonlyMap<string, CriterionCompiler> = new Map([
  ['accept', constant(TRUE)],
  ['reject', constant(FALSE)],
  ['authenticated_user', authenticatedUser],
  ['user', user],
  ['email', email],
  ['domain', domain],
  ['provider', provider],
  ['groups', groups],
  ['acr', acr],
  ['amr', amr],
  ['auth_age', authAge],
  ['http_method', httpMethod],
  ['http_path', httpPath],
  ['source_ip', sourceIp],
  ['cors_preflight', corsPreflight],
  ['date', date],
  ['day_of_week', dayOfWeek],
  ['time_of_day', timeOfDay],
  ['client_certificate', clientCertificate],
])

/** Criteria whose key goes on behind a slash. */
const WITH_PATH: ReadonlyMap<string, CriterionCompiler> = new Map([
  ['claim', claim],
  ['header', header],
])

/** What Pomerium has and Gatehouse does not, and why. */
const FOREIGN: ReadonlyMap<string, string> = new Map([
  ['device', 'Gatehouse knows no devices; see `client_certificate`'],
  ['mcp_tool', 'Gatehouse does not read MCP messages'],
  ['record', 'Gatehouse has no external data'],
  ['pomerium_routes', 'write a `policy` at the route'],
  ['invalid_client_certificate', 'a certificate that `server.client_ca` does not sign is refused'],
  ['ssh_publickey', 'Gatehouse serves no SSH'],
  ['ssh_ca', 'Gatehouse serves no SSH'],
  ['ssh_username', 'Gatehouse serves no SSH'],
  ['ssh_username_matches_email', 'Gatehouse serves no SSH'],
  ['ssh_username_matches_claim', 'Gatehouse serves no SSH'],
])

/** Every name that may stand as the key of an item, for suggestions and the schema. */
export const CRITERION_NAMES: readonly string[] = [
  ...CRITERIA.keys(),
  ...[...WITH_PATH.keys()].map((name) => `${name}/`),
]

type Surroundings = Pick<CriterionContext, 'report' | 'warn' | 'zone' | 'providers'>

/** The criterion that an entry writes; `undefined`, with what is wrong reported, where it is none. */
export type CompileCriterion = (entry: YamlEntry) => Criterion | undefined

/** What is the same wherever a criterion is written in the same words. */
type Meaning = Omit<Criterion, 'kind' | 'at'>

/**
 * In a large set of policies the same criteria come again and again: each is compiled once. One that earns a message is
 * compiled anew each time, so that each place gets its own.
 */
export function createCriterionCompiler(around: Surroundings): CompileCriterion {
  const known = new Map<string, Meaning>()
  let messages = 0
  const counting: Surroundings = {
    ...around,
    report: (at, message) => {
      messages++
      return around.report(at, message)
    },
    warn: (at, message) => {
      messages++
      return around.warn(at, message)
    },
  }
  return (entry) => {
    const wording = wordingOf(entry)
    const before = messages
    let meaning = known.get(wording.written)
    if (meaning === undefined) {
      const body = compileBody(entry, counting)
      if (body === undefined) return undefined
      meaning = meaningOf(body, wording)
      const isShared = messages === before && meaning.loose.length === 0
      if (isShared) known.set(wording.written, meaning)
    }
    return placed(meaning, entry)
  }
}

function compileBody(entry: YamlEntry, around: Surroundings): CriterionBody | undefined {
  const { key, keyAt, value } = entry
  const slash = key.indexOf('/')
  const name = slash < 0 ? key : key.slice(0, slash)
  const path = slash < 0 ? '' : key.slice(slash + 1)
  const compile = slash < 0 ? (CRITERIA.get(key) ?? WITH_PATH.get(key)) : WITH_PATH.get(name)
  if (compile === undefined) return around.report(keyAt, unknownCriterion(key, name))
  return compile(value, { ...around, key, keyAt, path })
}

/** A criterion of `body`, worded as `entry` writes it. */
export function criterionFrom(body: CriterionBody, entry: YamlEntry): Criterion {
  return placed(meaningOf(body, wordingOf(entry)), entry)
}

function placed(meaning: Meaning, { keyAt }: YamlEntry): Criterion {
  return { ...meaning, kind: 'criterion', at: keyAt }
}

type Wording = Pick<Criterion, 'text' | 'written'>

function wordingOf({ key, value }: YamlEntry): Wording {
  const name = flowText(key)
  const data = flowText(value)
  const text = `${name}: ${data}`
  const isWhole = !isCut(name) && !isCut(data)
  return { text, written: isWhole ? text : `${wholeFlowText(key)}: ${wholeFlowText(value)}` }
}

function meaningOf(body: CriterionBody, { text, written }: Wording): Meaning {
  return {
    text,
    written,
    evaluate: evaluateAll(body),
    always: body.constant ?? UNKNOWN,
    parts: body.parts,
    groups: body.groups ?? NONE,
    clock: body.clock ?? 'none',
    loose: body.loose ?? NONE,
  }
}

const NONE: readonly never[] = []

function unknownCriterion(key: string, name: string): string {
  const why = FOREIGN.get(name)
  if (why !== undefined) return `Gatehouse does not have Pomerium's criterion \`${name}\`: ${why}`
  if (CRITERIA.has(name)) return `\`${name}\` takes no path; write \`${name}\` alone`
  const hint = didYouMean(key, [...CRITERION_NAMES, 'and', 'or', 'not', 'nor', 'use'])
  return `unknown criterion \`${key}\`${hint || `; criteria are ${CRITERION_NAMES.join(', ')}`}`
}

/** All parts must hold. Nearly every criterion has one, which then needs no loop around it. */
function evaluateAll({ parts, constant }: CriterionBody): Evaluate {
  if (constant !== undefined) return () => constant
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only.evaluate
  return (facts, subject, provedAgain) => {
    let value: Truth = TRUE
    for (let i = 0; i < parts.length; i++) {
      const truth = (parts[i] as CriterionPart).evaluate(facts, subject, provedAgain)
      if (truth === FALSE) return FALSE
      if (truth === UNKNOWN) value = UNKNOWN
    }
    return value
  }
}
