/** Why one request of the log came out as it did: what is logged, and the same judged again, as `explain` tells it. */

import type { Mark, OperatorPage } from '../../pages/operator-page.ts'
import { OPERATOR_TEXTS as TEXTS } from '../../pages/operator-texts.ts'
import type { NodeTrace, RuleTrace, TruthName } from '../../policy/explain/trace.ts'
import { readLogLine } from '../../policy/review/diff-log-line.ts'
import { type Rejudged, rejudge } from '../../policy/review/rejudge.ts'
import type { Position } from '../../support/problem.ts'
import { type LogLine, markOf, recentLines, textOf, whoOf } from './decisions.ts'
import type { OperatorParts } from './operator-parts.ts'

interface Fact {
  readonly name: string
  readonly text: string
  readonly mark?: Mark
  readonly sub?: string | undefined
}

type Page = Omit<OperatorPage, 'requestId'>

export function why(parts: OperatorParts, requestId: string): Page {
  const line = recentLines(parts).find((one) => one['request_id'] === requestId)
  if (line === undefined) return pageOf({ message: TEXTS.noSuchRequest }, 404)
  const request = readLogLine(JSON.stringify(line))
  if (typeof request === 'string') {
    return pageOf({
      logged: loggedFacts(line),
      version: '',
      judged: [{ name: TEXTS.outcome, text: TEXTS.notJudged }],
    })
  }
  const { table, revision } = parts.snapshot()
  const isSame = line['policy_revision'] === revision
  const judged = rejudge(table, request, isSame)
  return pageOf({
    logged: loggedFacts(line),
    version: isSame ? TEXTS.sameRevision : TEXTS.otherRevision,
    judged: judgedFacts(judged, textOf(line, 'method')),
    rules: judged.kind === 'routed' ? judged.rules.flatMap(ruleLines) : undefined,
  })
}

function pageOf(view: object, status = 200): Page {
  return { tab: 'decisions', template: 'operatorWhy', title: TEXTS.whyTitle, status, view }
}

function loggedFacts(line: LogLine): readonly Fact[] {
  const outcome = textOf(line, 'outcome')
  const groups = line['groups']
  const at = textOf(line, 'rule_at')
  return [
    { name: TEXTS.outcome, text: outcome, mark: markOf(outcome), sub: textOf(line, 'reason') },
    ...known(TEXTS.rule, textOf(line, 'rule'), shortPlace(at)),
    { name: TEXTS.subject, text: whoOf(line), sub: providerText(line) },
    ...(Array.isArray(groups)
      ? [{ name: TEXTS.groups, text: groups.join(', ') || TEXTS.none }]
      : []),
    {
      name: TEXTS.request,
      text: `${textOf(line, 'method')} ${textOf(line, 'host')}${textOf(line, 'path')}`,
    },
    ...known(TEXTS.route, textOf(line, 'route')),
    { name: TEXTS.status, text: textOf(line, 'status') },
    { name: TEXTS.address, text: textOf(line, 'source_ip') },
    { name: TEXTS.time, text: textOf(line, 'time') },
    { name: TEXTS.requestId, text: textOf(line, 'request_id') },
    { name: TEXTS.revision, text: textOf(line, 'policy_revision') },
  ]
}

function known(name: string, text: string, sub?: string): readonly Fact[] {
  return text === '' ? [] : [{ name, text, sub }]
}

function providerText(line: LogLine): string | undefined {
  const [subject, provider] = [textOf(line, 'subject'), textOf(line, 'provider')]
  return provider === '' ? undefined : `${subject}, ${provider}`
}

function judgedFacts(judged: Rejudged, method: string): readonly Fact[] {
  const { host, path } = judged
  const canonical =
    host === undefined || path === undefined
      ? []
      : [{ name: TEXTS.canonical, text: `${method} ${host.name} ${path.decoded}` }]
  if (judged.kind === 'own') return [...canonical, { name: TEXTS.outcome, text: TEXTS.ownPath }]
  if (judged.kind === 'rejected') {
    const text = `rejected: ${judged.code}`
    return [...canonical, { name: TEXTS.outcome, text, mark: 'bad', sub: judged.detail }]
  }
  const { route, why: choice, others, decision, missing } = judged
  return [
    decision === undefined
      ? { name: TEXTS.outcome, text: TEXTS.cannotTell, mark: 'warn', sub: TEXTS.cannotTellWhy }
      : {
          name: TEXTS.outcome,
          text: decision.outcome,
          mark: markOf(decision.outcome),
          sub: decision.reason,
        },
    ...(decision?.rule === undefined
      ? []
      : [{ name: TEXTS.rule, text: decision.rule.name, sub: placeText(decision.rule.at) }]),
    ...known(TEXTS.missing, missing.map(({ text }) => text).join('; ')),
    ...canonical,
    { name: TEXTS.route, text: route.name, sub: `${placeText(route.at)}; ${choice}` },
    ...known(TEXTS.others, others.map(({ name }) => name).join(', ')),
  ]
}

interface TraceLine {
  readonly depth: number
  readonly value: TruthName
  readonly mark: Mark
  readonly text: string
  readonly note: string
  readonly place: string
}

const TRUTH_MARKS: Readonly<Record<TruthName, Mark>> = {
  true: 'good',
  false: 'bad',
  unknown: 'warn',
}
/** Deeper parts stand as far in as these. */
const MAX_DEPTH = 6

function ruleLines(rule: RuleTrace): readonly TraceLine[] {
  const { effect, name, value, at, body } = rule
  const head = {
    depth: 0,
    value,
    mark: TRUTH_MARKS[value],
    note: noteOf(rule),
    place: placeText(at),
  }
  return [{ ...head, text: `${effect} ${name}` }, ...nodeLines(body, 1)]
}

function nodeLines(node: NodeTrace, depth: number): readonly TraceLine[] {
  const { value, text, because, at, items } = node
  return [
    {
      depth: Math.min(depth, MAX_DEPTH),
      ...{
        value,
        text,
        mark: TRUTH_MARKS[value],
        note: noteOf(node, because),
        place: placeText(at),
      },
    },
    ...items.flatMap((item) => nodeLines(item, depth + 1)),
  ]
}

/** Why a value is unknown, and what a better sign-in would make of it. */
function noteOf(
  { value, afterStepUp }: Pick<NodeTrace, 'value' | 'afterStepUp'>,
  because?: string,
): string {
  const then = afterStepUp === value ? undefined : TEXTS.afterStepUp(afterStepUp)
  return [because, then].filter((text) => text !== undefined).join(', ')
}

/** The last two parts of the file's name are enough to find it. */
function placeText({ file, line }: Position): string {
  return `${shortPlace(file)}:${line}`
}

function shortPlace(place: string): string {
  return place.split('/').slice(-2).join('/')
}
