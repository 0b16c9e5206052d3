/** Whatever a Pomerium policy says: who gets in here got in there. Where all of it can be said, it is the same people. */

import fc from 'fast-check'
import { test } from 'tap'
import { importTexts, outcomeOf, tableOf } from './imported.ts'

const PEOPLE = ['lena', 'omar', 'pia', 'vex'] as const
type Name = (typeof PEOPLE)[number]
const METHODS = ['GET', 'POST'] as const
type Method = (typeof METHODS)[number]

const EMAILS: Readonly<Record<Name, string>> = {
  lena: 'lena@corp.example.com',
  omar: 'omar@corp.example.com',
  pia: 'pia@partner.example.org',
  vex: 'vex@rival.example',
}

interface Criterion {
  readonly written: Readonly<Record<string, unknown>>
  /** What Pomerium makes of it; `undefined` where only Pomerium can know. */
  readonly holds: (who: Name, method: Method) => boolean | undefined
  /** Whether it is written here as it is there. */
  readonly same: boolean
}

const CRITERIA: readonly Criterion[] = [
  { written: { accept: true }, holds: () => true, same: true },
  { written: { reject: true }, holds: () => false, same: true },
  { written: { authenticated_user: {} }, holds: () => true, same: true },
  {
    written: { domain: 'corp.example.com' },
    holds: (who) => EMAILS[who].endsWith('@corp.example.com'),
    same: true,
  },
  { written: { email: { is: EMAILS.omar } }, holds: (who) => who === 'omar', same: true },
  { written: { email: { not: EMAILS.vex } }, holds: (who) => who !== 'vex', same: true },
  {
    written: { email: { in: [EMAILS.pia, EMAILS.vex] } },
    holds: (who) => who === 'pia' || who === 'vex',
    same: true,
  },
  { written: { user: '00uLENA' }, holds: (who) => who === 'lena', same: true },
  { written: { 'claim/department': 'Docks' }, holds: (who) => who === 'lena', same: true },
  { written: { http_method: 'GET' }, holds: (_, method) => method === 'GET', same: true },
  { written: { http_method: 'get' }, holds: () => false, same: false },
  { written: { http_method: { not: 'post' } }, holds: () => true, same: false },
  { written: { email: [EMAILS.lena, EMAILS.omar] }, holds: () => false, same: false },
  { written: { user: 7 }, holds: () => false, same: false },
  { written: { device: { is: 'default' } }, holds: () => undefined, same: false },
  { written: { record: { type: 'hr' } }, holds: () => undefined, same: false },
]

const OPERATORS = ['and', 'or', 'not', 'nor'] as const
type Body = Readonly<Partial<Record<(typeof OPERATORS)[number], readonly Criterion[]>>>
type Rule = Readonly<Partial<Record<'allow' | 'deny', Body>>>

const criterion = fc.constantFrom(...CRITERIA)
const list = fc.array(criterion, { maxLength: 3 })
const body: fc.Arbitrary<Body> = fc.record(
  { and: list, or: list, not: list, nor: list },
  { requiredKeys: [] },
)
const rule: fc.Arbitrary<Rule> = fc.record({ allow: body, deny: body }, { requiredKeys: [] })
const policy = fc.array(rule, { minLength: 1, maxLength: 3 })

/** As migration facts have it: operators side by side are joined by "or", an empty one never matches. */
function bodyHolds(of: Body, test: (one: Criterion) => boolean): boolean {
  return OPERATORS.some((operator) => {
    const items = of[operator] ?? []
    if (items.length === 0) return false
    if (operator === 'and') return items.every(test)
    if (operator === 'or') return items.some(test)
    return operator === 'not' ? !items.some(test) : !items.every(test)
  })
}

function lets(rules: readonly Rule[], who: Name, method: Method, unknown: boolean): boolean {
  const test = (one: Criterion): boolean => one.holds(who, method) ?? unknown
  const has = (action: 'allow' | 'deny'): boolean =>
    rules.some((one) => bodyHolds(one[action] ?? {}, test))
  return has('allow') && !has('deny')
}

function asWritten(rules: readonly Rule[]): unknown {
  const bodyOf = (of: Body | undefined) =>
    of &&
    Object.fromEntries(
      Object.entries(of).map(([key, items]) => [key, items.map((one) => one.written)]),
    )
  return rules.map(({ allow, deny }) => ({
    ...(allow === undefined ? {} : { allow: bodyOf(allow) }),
    ...(deny === undefined ? {} : { deny: bodyOf(deny) }),
  }))
}

test('nobody gets in here who did not get in there', async (t) => {
  await fc.assert(
    fc.asyncProperty(policy, async (rules) => {
      const route = { from: 'https://app.example.com', to: 'http://app', policy: asWritten(rules) }
      const file = JSON.stringify({
        authenticate_service_url: 'https://auth.example.com',
        idp_provider: 'oidc',
        idp_provider_url: 'https://id.example.com',
        idp_client_id: 'gate',
        routes: [route],
      })
      const table = tableOf(await importTexts('pomerium', { 'config.yaml': file }))
      const all = rules.flatMap(({ allow = {}, deny = {} }) =>
        [...Object.values(allow), ...Object.values(deny)].flat(),
      )
      const isSame = all.every(({ same }) => same)
      for (const who of PEOPLE) {
        for (const method of METHODS) {
          const here = outcomeOf(table, `${method} https://app.example.com/`, who) === 'allow'
          const there = [true, false].map((unknown) => lets(rules, who, method, unknown))
          if (here && there.includes(false)) return false
          if (isSame && here !== there[0]) return false
        }
      }
      return true
    }),
    { numRuns: 200 },
  )
  t.pass('held')
})
