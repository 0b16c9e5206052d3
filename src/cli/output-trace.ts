/** A decision's trace as text: each rule and criterion with its value and its line. */

import type { NodeTrace, RuleTrace, Trace, TruthName } from '../policy/explain/trace.ts'
import type { Position } from '../support/problem.ts'
import { shownPath } from './print-problems.ts'

/** `file:line`, short where the file lies below `cwd`. */
export function placeText(at: Position, cwd: string): string {
  return `${shownPath(at.file, cwd)}:${at.line}`
}

/** `text` with nothing in it that moves a terminal's cursor or ends the line. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0
    return `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** One line for each rule and each part of it, the value in front. */
export function traceLines(trace: Trace, cwd: string): readonly string[] {
  if (trace.rules.length === 0) return ['the route has no policy, which refuses everyone']
  return trace.rules.flatMap((rule) => ruleLines(rule, trace.judgedTwice, cwd))
}

function ruleLines(rule: RuleTrace, twice: boolean, cwd: string): readonly string[] {
  const head = lineOf(`${rule.effect} ${rule.name}`, rule, 0, twice, cwd)
  return [head, ...nodeLines(rule.body, 1, twice, cwd)]
}

function nodeLines(node: NodeTrace, depth: number, twice: boolean, cwd: string): readonly string[] {
  const why = node.because === undefined ? '' : ` (${node.because})`
  return [
    lineOf(`${node.text}${why}`, node, depth, twice, cwd),
    ...node.items.flatMap((item) => nodeLines(item, depth + 1, twice, cwd)),
  ]
}

interface Valued {
  readonly value: TruthName
  readonly afterStepUp: TruthName
  readonly at: Position
}

const VALUE_WIDTH = 'unknown'.length + 2

function lineOf(text: string, part: Valued, depth: number, twice: boolean, cwd: string): string {
  const changed = twice && part.afterStepUp !== part.value
  const then = changed ? `, ${part.afterStepUp} after a step-up` : ''
  const indent = '  '.repeat(depth)
  const place = placeText(part.at, cwd)
  return `${part.value.padEnd(VALUE_WIDTH)}${indent}${printable(text)}${then}  ${place}`
}
