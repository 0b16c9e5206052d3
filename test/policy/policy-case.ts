/** One policy case: a policy as it is written in a case file, put into a file of its own and compiled, and what is asked of it. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMap, isNode, parseDocument } from 'yaml'
import { type CompiledSet, compilePolicies } from '../../src/policy/compile.ts'
import { parseInstant } from '../../src/policy/language/time-texts.ts'
import type { Facts, Subject } from '../../src/policy/model.ts'
import type { Route } from '../../src/policy/route.ts'
import {
  type AskedRequest,
  factsOf,
  readRequest,
  readRequestLine,
} from '../../src/policy/suite/asked-request.ts'
import { readSubjects } from '../../src/policy/suite/subjects.ts'
import { readYaml } from '../../src/support/yaml-document.ts'

export const FOLDER = join(import.meta.dirname, 'cases')
export const HOST = 'https://app.harbor.example'
/** A Monday. */
const NOW = '2026-03-02T09:00:00Z'

/** As a case file writes it. */
export interface PolicyCase {
  readonly name: string
  readonly policy: string
  readonly request?: string
  readonly headers?: readonly string[]
  readonly from?: string
  readonly now?: string
  readonly certificate?: { fingerprint?: string; san_email?: string[]; san_dns?: string[] }
  /** When the person last finished a step-up. */
  readonly stepped_up?: string
  readonly expect?: Readonly<Record<string, string>>
  readonly rule?: string | null
  readonly reason?: string
  /** The one error, and the text of the file that it points at. */
  readonly error?: string
  readonly at?: string
  readonly warning?: string
  /** The request never reaches a policy. */
  readonly rejected?: boolean
}

/** The people of the cases, by name. */
export function loadSubjects(): ReadonlyMap<string, Subject> {
  const file = join(FOLDER, 'subjects.yaml')
  const { subjects, problems } = readSubjects(readYaml(file, readFileSync(file, 'utf8')))
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  return subjects
}

export function loadCases(file: string): readonly PolicyCase[] {
  return parseDocument(readFileSync(join(FOLDER, file), 'utf8')).toJS() as PolicyCase[]
}

/**
 * The policy file that a case means: a policy of the route `app`, or where it has other keys than a rule's, `conditions` and
 * `policies` at the top and the others at the route.
 */
export function policyFile(policy: string): string {
  const entries = entriesIn(policy)
  const isPolicy = entries === undefined || entries.every(({ key }) => RULE_KEYS.includes(key))
  const isNothing = entries?.length === 0
  const ofRoute = isPolicy && !isNothing ? [{ key: 'policy', text: policy }] : (entries ?? [])
  const isShared = ({ key }: Entry): boolean => key === 'conditions' || key === 'policies'
  return [
    ...ofRoute.filter(isShared).map(({ key, text }) => `${key}: ${text}`),
    'routes:',
    '  - name: app',
    `    from: ${HOST}`,
    ...ofRoute.filter((entry) => !isShared(entry)).map(({ key, text }) => `    ${key}: ${text}`),
    '',
  ].join('\n')
}

const RULE_KEYS = ['allow', 'deny', 'use']

interface Entry {
  readonly key: string
  readonly text: string
}

/** The entries of a mapping as they are written; `undefined` for anything else. */
function entriesIn(yaml: string): readonly Entry[] | undefined {
  const root = parseDocument(yaml).contents
  if (!isMap(root)) return undefined
  return root.items.map(({ key, value }) => {
    const [start, end] = (isNode(value) && value.range) || [0, 0]
    return { key: String(key), text: yaml.slice(start, end) }
  })
}

export function compileText(...texts: readonly string[]): CompiledSet {
  const sources = texts.map((text, i) => ({ file: i === 0 ? 'app.yaml' : `app-${i}.yaml`, text }))
  return compilePolicies(sources, {
    readText: () => {
      throw new Error('no such file')
    },
    providers: undefined,
    allowHttp: false,
  })
}

/** The route that the case's request finds and what a decision may know of it; `undefined` where it is refused before. */
export function readCase(
  { table }: CompiledSet,
  policyCase: PolicyCase,
): { readonly route: Route; readonly facts: Facts } | undefined {
  const asked = askedRequest(policyCase)
  const reading = readRequest(table, asked)
  if (reading.kind !== 'routed') return undefined
  return {
    route: reading.route,
    facts: factsOf(asked, reading.path, parseInstant(policyCase.now ?? NOW)),
  }
}

function askedRequest({
  request = 'GET /',
  headers = [],
  from,
  certificate,
}: PolicyCase): AskedRequest {
  const asked = readRequestLine(request.replace(' ', ` ${HOST}`))
  if (typeof asked === 'string') throw new Error(asked)
  return {
    ...asked,
    headers: headers.flatMap((line) => line.split(/: (.*)/, 2)),
    ...(from === undefined ? {} : { sourceIp: from }),
    clientCertificate: certificate && {
      fingerprint: certificate.fingerprint ?? '',
      sanEmail: certificate.san_email ?? [],
      sanDns: certificate.san_dns ?? [],
    },
  }
}

/** The person as the case has them. */
export function subjectOf(
  subjects: ReadonlyMap<string, Subject>,
  name: string,
  { stepped_up }: PolicyCase,
): Subject {
  const subject = subjects.get(name)
  if (subject === undefined) throw new Error(`no subject ${name}`)
  if (subject.kind === 'anonymous' || stepped_up === undefined) return subject
  return { ...subject, steppedUpAt: parseInstant(stepped_up) }
}
