/** What holds for every policy, request and person, tried on many that nobody would write by hand. */

import fc from 'fast-check'
import { test } from 'tap'
import { decide } from '../../src/policy/decide.ts'
import { missingFor } from '../../src/policy/explain/missing.ts'
import { type NodeTrace, type TruthName, traceDecision } from '../../src/policy/explain/trace.ts'
import { ANONYMOUS } from '../../src/policy/model.ts'
import { compile, denyRule, facts, groupsOf, name, person, policy } from './any-policy.ts'

test('nobody is let in unless an allow rule holds and no deny rule may', async () => {
  fc.assert(
    fc.property(policy, facts, person, (rules, asked, somebody) => {
      const compiled = compile(rules)
      for (const subject of [somebody, ANONYMOUS]) {
        const { decision, rules: traced } = traceDecision(compiled, asked, subject)
        if (decision.outcome !== 'allow') continue
        const values = (effect: string): readonly TruthName[] =>
          traced.filter((one) => one.effect === effect).map(({ value }) => value)
        if (!values('allow').includes('true')) return false
        if (values('deny').some((value) => value !== 'false')) return false
      }
      return true
    }),
    { numRuns: 400 },
  )
})

test('one more deny rule never lets anyone in', async () => {
  fc.assert(
    fc.property(policy, denyRule, facts, person, (rules, deny, asked, somebody) => {
      const before = compile(rules)
      const after = compile([...rules, deny])
      return [somebody, ANONYMOUS].every(
        (subject) =>
          decide(after, asked, subject).outcome !== 'allow' ||
          decide(before, asked, subject).outcome === 'allow',
      )
    }),
    { numRuns: 400 },
  )
})

const TRUTHS = ['false', 'true', 'unknown'] as const

test('the traced decision is the hot one, and its values are what the rules say', async () => {
  fc.assert(
    fc.property(policy, facts, person, (rules, asked, somebody) => {
      const compiled = compile(rules)
      return [somebody, ANONYMOUS].every((subject) => {
        const trace = traceDecision(compiled, asked, subject)
        if (trace.decision !== decide(compiled, asked, subject)) return false
        return compiled.rules.every(({ evaluate }, i) => {
          const traced = trace.rules[i]
          return (
            traced?.value === TRUTHS[evaluate(asked, subject, false)] &&
            traced.afterStepUp === TRUTHS[evaluate(asked, subject, true)] &&
            traced.value === foldKleene(traced.body)
          )
        })
      })
    }),
    { numRuns: 400 },
  )
})

/** Kleene's logic from the definition, by numbers: false 0, unknown 1, true 2. */
function foldKleene(node: NodeTrace): TruthName {
  const number = (name: TruthName): number => ['false', 'unknown', 'true'].indexOf(name)
  const values = node.items.map((child) => number(foldKleene(child)))
  const least = Math.min(...values)
  const most = Math.max(...values)
  const folded = {
    and: least,
    or: most,
    not: 2 - most,
    nor: 2 - least,
  }[node.text]
  if (node.kind !== 'operator' || folded === undefined) return node.value
  return (['false', 'unknown', 'true'] as const)[folded] ?? 'unknown'
}

test('what is certain of nobody is certain of everybody', async () => {
  fc.assert(
    fc.property(policy, facts, person, (rules, asked, somebody) => {
      const compiled = compile(rules)
      const { outcome } = decide(compiled, asked, ANONYMOUS)
      if (outcome === 'sign_in') return true
      return outcome === decide(compiled, asked, somebody).outcome
    }),
    { numRuns: 600 },
  )
})

test('what is certain without all groups stays so with them', async () => {
  const more = fc.uniqueArray(name)
  fc.assert(
    fc.property(policy, facts, person, more, (rules, asked, somebody, others) => {
      const compiled = compile(rules)
      const known = somebody.groups.list.map((group) => group.name ?? '')
      const before = { ...somebody, groups: groupsOf(known, false) }
      const after = { ...somebody, groups: groupsOf([...new Set([...known, ...others])], true) }
      const { outcome } = decide(compiled, asked, before)
      if (outcome !== 'allow' && outcome !== 'deny') return true
      return decide(compiled, asked, after).outcome === outcome
    }),
    { numRuns: 600 },
  )
})

test('who gets the groups that are missing gets in', async () => {
  fc.assert(
    fc.property(policy, facts, person, (rules, asked, somebody) => {
      const compiled = compile(rules)
      const needs = missingFor(compiled, asked, somebody)
      const granted = needs.map(({ text }) => /^group ([abc])$/.exec(text)?.[1])
      if (granted.length === 0 || granted.includes(undefined)) return true
      const known = somebody.groups.list.map((group) => group.name ?? '')
      const all = [...new Set([...known, ...granted.map(String)])]
      const member = { ...somebody, groups: groupsOf(all, true) }
      // A key that describes groups may hold for one that another key names.
      const describes = /"(is|starts_with)"/.test(JSON.stringify(rules))
      return describes || decide(compiled, asked, member).outcome === 'allow'
    }),
    { numRuns: 600 },
  )
})
