/** Policies from Pomerium decide here as they did there, or refuse more, and then say so. */

import { test } from 'tap'
import { importFixture, notesOf, outcomeOf, tableOf } from './imported.ts'

type Expected = Readonly<Record<string, string>>

const ROUTES: Readonly<Record<string, Expected>> = {
  'one-operator': { lena: 'allow', omar: 'deny', pia: 'deny', anonymous: 'sign_in' },
  // Pomerium: one of them is enough. Lena has the domain, all others are not Lena.
  'two-operators': { lena: 'allow', omar: 'allow', vex: 'allow', anonymous: 'sign_in' },
  // nor: at least one does not hold; who is of the domain and asks by GET is not denied.
  'operators-in-deny': { lena: 'allow', omar: 'deny', vex: 'deny', anonymous: 'sign_in' },
  'public-with-deny': { lena: 'allow', anonymous: 'allow' },
  shorthands: { lena: 'allow', omar: 'allow', pia: 'allow', vex: 'deny', anonymous: 'sign_in' },
  'no-policy': { lena: 'deny', anonymous: 'deny' },
  'empty-bodies': { lena: 'allow', omar: 'deny' },
  // A list never equals one value there.
  'lists-never-match': { lena: 'deny', omar: 'deny', anonymous: 'deny' },
  // Nobody was denied there; here is what was meant.
  'lists-in-deny': { lena: 'deny', omar: 'allow' },
  'device-allows': { lena: 'allow', omar: 'deny', anonymous: 'sign_in' },
  'device-denies': { lena: 'allow', omar: 'allow' },
  // True of whoever is not signed in there; here nobody slips through.
  negative: { lena: 'allow', vex: 'deny', anonymous: 'sign_in' },
  hours: { lena: 'allow', vex: 'deny', anonymous: 'sign_in' },
}

test('each policy means what it meant', async (t) => {
  const imported = await importFixture('pomerium', 'pomerium-policies.yaml')
  t.strictSame(
    imported.problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  const table = tableOf(imported)
  for (const [name, expected] of Object.entries(ROUTES)) {
    for (const [who, outcome] of Object.entries(expected)) {
      const got = outcomeOf(table, `GET https://${name}.corp.example.com/`, who)
      t.equal(got, outcome, `${name}: ${who}`)
    }
  }
  t.equal(outcomeOf(table, 'POST https://device-denies.corp.example.com/', 'lena'), 'deny')
  t.equal(outcomeOf(table, 'POST https://operators-in-deny.corp.example.com/', 'lena'), 'deny')
  const fromOutside = ['GET https://public-with-deny.corp.example.com/', 'anonymous'] as const
  t.equal(outcomeOf(table, ...fromOutside, undefined, '203.0.113.9'), 'deny')
  const atNight = Date.parse('2026-03-02T23:00:00Z')
  t.equal(outcomeOf(table, 'GET https://hours.corp.example.com/', 'lena', atNight), 'deny')
})

test('what is not the same is said', async (t) => {
  const imported = await importFixture('pomerium', 'pomerium-policies.yaml')
  const differs = notesOf(imported, 'differs')
  const leftOut = notesOf(imported, 'left-out')
  const has = (notes: readonly string[], pattern: RegExp) =>
    t.ok(
      notes.some((note) => pattern.test(note)),
      String(pattern),
    )
  has(differs, /^routes\[1\]\.policy\[0\]\.allow: `and`, `not` stand side by side/)
  has(differs, /^routes\[2\]\.policy\[0\]\.deny: `or`, `nor` stand side by side/)
  has(differs, /^routes\[7\]\.policy\[0\]\.allow\.or\[0\]\.email: Pomerium never matches/)
  has(differs, /^routes\[8\]\.policy\[0\]\.deny\.or\[0\]\.email: Pomerium never matches/)
  has(differs, /^routes\[11\]\..*\.email: in Pomerium this also holds for whoever is not signed in/)
  has(leftOut, /^routes\[6\]\.policy\[0\]\.allow\.or: is an empty list/)
  has(leftOut, /^routes\[9\]\..*\.device: .*`device`.*it is `reject: true`/)
  has(leftOut, /^routes\[10\]\..*\.device: .*`device`.*it is `accept: true`/)
})
