/** An explanation as text, stage by stage, and as JSON. */

import { type Explanation, pathText } from '../policy/explain/explain.ts'
import type { NodeTrace, RuleTrace } from '../policy/explain/trace.ts'
import type { Group, Subject } from '../policy/model.ts'
import type { AskedRequest } from '../policy/suite/asked-request.ts'
import type { Position } from '../support/problem.ts'
import { placeText, printable, traceLines } from './output-trace.ts'
import { shownPath } from './print-problems.ts'

export interface Explained {
  readonly request: AskedRequest
  /** As it was named on the command line. */
  readonly subjectName: string
  readonly subject: Subject
  readonly explanation: Explanation
}

/** For people: one stage after the other, the last one the outcome. */
export function explainText(explained: Explained, cwd: string): string {
  const { request, subjectName, subject, explanation } = explained
  const lines = [
    ...stage('request', [`${request.method} ${request.url}`]),
    ...stage('canonical', canonicalLines(explanation, request)),
    ...(explanation.kind === 'routed' ? stage('route', routeLines(explanation, cwd)) : []),
    ...stage('subject', subjectLines(subjectName, subject, explanation)),
    ...(explanation.kind === 'routed' ? stage('rules', traceLines(explanation.trace, cwd)) : []),
    ...stage('outcome', outcomeLines(explanation, cwd)),
    ...(explanation.kind === 'routed' ? stage('next', nextLines(explanation)) : []),
  ]
  return `${lines.join('\n')}\n`
}

const LABEL_WIDTH = 'canonical'.length + 2

function stage(label: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, i) =>
    `${(i === 0 ? label : '').padEnd(LABEL_WIDTH)}${printable(line)}`.trimEnd(),
  )
}

function canonicalLines(explanation: Explanation, request: AskedRequest): readonly string[] {
  const { host, path } = explanation
  if (host === undefined || path === undefined) return ['it has no canonical form']
  return [
    `${request.method} ${host.name} ${path.decoded}`,
    ...(path.encoded === path.decoded || changes(explanation)
      ? []
      : [`sent upstream as ${path.encoded}`]),
    ...(path.query === '' ? [] : [`the query ${path.query} is sent as written and not judged`]),
  ]
}

function routeLines(explanation: Routed, cwd: string): readonly string[] {
  const { route, why, others } = explanation
  return [
    `${route.name}  ${placeText(route.at, cwd)}`,
    why,
    ...bearerLines(route),
    ...others.map(
      (other) => `not ${other.name}, by ${pathText(other.match.path)}  ${placeText(other.at, cwd)}`,
    ),
  ]
}

function bearerLines({ bearer }: Routed['route']): readonly string[] {
  if (bearer === undefined) return []
  const audiences = bearer.audiences.join(' or ')
  return [`access tokens of ${bearer.provider} for ${audiences} go before the session`]
}

type Routed = Extract<Explanation, { kind: 'routed' }>

function subjectLines(name: string, subject: Subject, explanation: Explanation): readonly string[] {
  if (subject.kind === 'anonymous') return ['anonymous: nobody has signed in']
  const { list, complete } = subject.groups
  const facts = [
    ...(subject.sub === '' ? [] : [`sub ${subject.sub}`]),
    subject.email === undefined ? 'no verified e-mail' : `e-mail ${subject.email}`,
    ...(subject.provider === undefined ? [] : [`provider ${subject.provider}`]),
    complete ? `groups ${list.map(groupText).join(', ') || 'none'}` : 'groups not known',
  ]
  const isNobody = explanation.kind === 'routed' && explanation.seenAs.kind === 'anonymous'
  return [
    `${name}: ${facts.join('; ')}`,
    ...(isNobody ? ['for this route nobody: it asks for another provider'] : []),
  ]
}

function groupText({ id, name }: Group): string {
  return name === undefined ? (id ?? '') : id === undefined ? name : `${name} (${id})`
}

function outcomeLines(explanation: Explanation, cwd: string): readonly string[] {
  if (explanation.kind === 'own') return ['answered by Gatehouse itself, whoever asks']
  if (explanation.kind === 'rejected') {
    return [`rejected: ${explanation.code}, ${explanation.detail}`]
  }
  const { outcome, reason, rule } = explanation.trace.decision
  const by = rule === undefined ? '' : ` by rule ${rule.name}  ${placeText(rule.at, cwd)}`
  return [`${outcome}: ${reason}${by}`, ...missingLines(explanation)]
}

function changes(explanation: Explanation): boolean {
  return explanation.kind === 'routed' && explanation.next !== undefined
}

/** What the route does with a request besides forwarding it. */
function nextLines({ route, trace, next }: Routed): readonly string[] {
  const passes = trace.decision.outcome === 'allow' || route.reportOnly
  const reports =
    route.reportOnly && trace.decision.outcome !== 'allow'
      ? ['let through all the same: the route only reports']
      : []
  if (!passes || next === undefined) return reports
  switch (next.kind) {
    case 'rewritten':
      return [...reports, `sent upstream as ${next.path}`]
    case 'redirect':
      return [...reports, `redirected to ${next.location} (${next.status})`]
    case 'response':
      return [...reports, `answered by the route itself (${next.status})`]
    case 'refused':
      return [...reports, `refused with MALFORMED_REQUEST: ${next.detail}`]
  }
}

function missingLines({ trace, missing }: Routed): readonly string[] {
  if (trace.decision.outcome === 'allow') return []
  if (missing.length === 0) return ['nothing about the subject or the request would change that']
  return [`it would be allow with: ${missing.map(({ text }) => text).join('; ')}`]
}

/** For programs, in the words of the decision log; what does not apply is null. */
export function explainJson(explained: Explained, cwd: string): string {
  const { request, subjectName, subject, explanation } = explained
  const { host, path } = explanation
  const result = {
    request: { method: request.method, url: request.url },
    canonical:
      host === undefined || path === undefined
        ? null
        : {
            host: host.name,
            path: path.decoded,
            sent: sentPath(explanation) ?? path.encoded,
            query: path.query,
          },
    subject: jsonSubject(subjectName, subject),
    ...jsonOutcome(explanation, cwd),
  }
  return `${JSON.stringify(result, null, 2)}\n`
}

function sentPath(explanation: Explanation): string | undefined {
  if (explanation.kind !== 'routed' || explanation.next?.kind !== 'rewritten') return undefined
  return explanation.next.path
}

function jsonOutcome(explanation: Explanation, cwd: string) {
  if (explanation.kind !== 'routed') {
    const isOwn = explanation.kind === 'own'
    return {
      route: null,
      route_at: null,
      why: null,
      others: [],
      rules: [],
      outcome: isOwn ? 'own_endpoint' : 'rejected',
      reason: isOwn ? null : explanation.code,
      detail: isOwn ? 'answered by Gatehouse itself' : explanation.detail,
      rule: null,
      rule_at: null,
      missing: [],
    }
  }
  const { route, why, others, trace, missing } = explanation
  const { outcome, reason, rule } = trace.decision
  return {
    route: route.name,
    route_at: placeText(route.at, cwd),
    why,
    others: others.map((other) => ({ route: other.name, route_at: placeText(other.at, cwd) })),
    rules: trace.rules.map((traced) => jsonRule(traced, trace.judgedTwice, cwd)),
    outcome,
    reason,
    detail: null,
    rule: rule?.name ?? null,
    rule_at: rule === undefined ? null : placeText(rule.at, cwd),
    missing: outcome === 'allow' ? [] : missing,
  }
}

function jsonSubject(name: string, subject: Subject) {
  if (subject.kind === 'anonymous') return { name, kind: subject.kind }
  const { kind, sub, email = null, provider = null, groups } = subject
  return { name, kind, sub, email, provider, groups: groups.complete ? groups.list : null }
}

function jsonRule(rule: RuleTrace, twice: boolean, cwd: string) {
  const { name, effect, value, afterStepUp, at, body } = rule
  return {
    name,
    effect,
    value,
    ...(twice ? { after_step_up: afterStepUp } : {}),
    ...jsonPlace(at, cwd),
    body: jsonNode(body, twice, cwd),
  }
}

interface JsonNode {
  readonly text: string
  readonly value: string
  readonly because?: string
  readonly after_step_up?: string
  readonly file: string
  readonly line: number
  readonly items?: readonly JsonNode[]
}

function jsonNode(node: NodeTrace, twice: boolean, cwd: string): JsonNode {
  return {
    text: node.text,
    value: node.value,
    ...(node.because === undefined ? {} : { because: node.because }),
    ...(twice ? { after_step_up: node.afterStepUp } : {}),
    ...jsonPlace(node.at, cwd),
    ...(node.items.length === 0
      ? {}
      : { items: node.items.map((item) => jsonNode(item, twice, cwd)) }),
  }
}

function jsonPlace(at: Position, cwd: string) {
  return { file: shownPath(at.file, cwd), line: at.line }
}
