/** Rules on one line, close to how they are written. */

import { test } from 'tap'
import { ruleText } from '../../src/policy/explain/policy-text.ts'
import { compileText } from './policy-case.ts'

test('rules name their operators, criteria and conditions', async (t) => {
  const [route] = compileText(`conditions: { staff: { or: [{ domain: example.com }] } }
routes:
  - name: app
    from: https://app.example.com
    cors_allow_preflight: true
    policy:
      - allow: { and: [{ use: staff }, { not: [{ http_method: [PUT, DELETE] }] }] }
`).routes
  const rules = route?.policy.rules ?? []
  t.strictSame(
    rules.map((rule) => ruleText(rule)),
    [
      'allow app.cors: {cors_allow_preflight: true}',
      'allow app[0]: {and: [{use: staff}, {not: [{http_method: [PUT, DELETE]}]}]}',
    ],
  )
  t.strictSame(
    rules.map((rule) => ruleText(rule, true)).at(-1),
    'allow app[0]: {and: [{or: [{domain: example.com}]}, {not: [{http_method: [PUT, DELETE]}]}]}',
  )
})
