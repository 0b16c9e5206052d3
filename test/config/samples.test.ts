/** Every YAML sample of the documentation is a file that works. */

import { generateKeyPairSync } from 'node:crypto'
import { test } from 'tap'
import { compilePolicies } from '../../src/policy/compile.ts'
import { CRITERION_NAMES } from '../../src/policy/language/criteria.ts'
import { LIST_OPERATORS, TEXT_OPERATORS } from '../../src/policy/language/matchers.ts'
import { OPERATORS } from '../../src/policy/language/operators.ts'
import { SubjectsFile } from '../../src/policy/suite/subjects.ts'
import { SuiteFile } from '../../src/policy/suite/suite-schema.ts'
import { checkSchema } from '../../src/support/check-schema.ts'
import { isMapping } from '../../src/support/mapping.ts'
import { formatProblem, hasErrors } from '../../src/support/problem.ts'
import { readYaml } from '../../src/support/yaml-document.ts'
import { documentationSamples, kindOf } from '../support/samples.ts'
import { selfSigned } from '../support/self-signed.ts'
import { GOOD_POLICY, load, SECRET } from './config-folder.ts'

const samples = documentationSamples()
const byKind = Map.groupBy(samples, ({ at, text }) => kindOf(readYaml(at, text).value))

/** What a part of a config needs to be whole. */
const MISSING_SECTIONS = {
  server: 'server: { public_url: https://auth.example.com }',
  providers: 'providers: { okta: { issuer: https://acme.okta.com, client_id: 0oa1 } }',
}

const { cert, key } = selfSigned(['auth.example.com'], { notAfter: new Date('2049-01-01') })
const pem = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
const FILES = {
  'logo.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
  'signing.pem': String(pem.export({ type: 'pkcs8', format: 'pem' })),
  policies: { 'app.yaml': GOOD_POLICY },
  tls: { 'tls.crt': cert, 'tls.key': key },
}

/** As `gatehouse hash-password` prints one. */
const PASSWORD_HASH =
  'scrypt:ln=15,r=8,p=3:IuNab_eBDXCyRiMRL_M-yg:rCNVNSXsILrzivaww2_FgqrAQExwx02tnhTIkX3NzXY'

/** A part of \`server\` is whole with this. */
function withPublicUrl(text: string): string {
  if (/^ *public_url:|[{,] *public_url:/m.test(text)) return text
  const url = 'public_url: https://auth.example.com'
  return text
    .replace(/^server: *(#.*)?$/m, `server:\n  ${url}`)
    .replace(/^server: *\{/m, `server: { ${url},`)
}

for (const { at, text } of byKind.get('config') ?? []) {
  test(`the config at ${at} passes the check`, async (t) => {
    const written = readYaml(at, text).value
    const missing = Object.entries(MISSING_SECTIONS).filter(
      ([name]) => !isMapping(written) || !(name in written),
    )
    const whole = [withPublicUrl(text), ...missing.map(([, section]) => section)].join('\n')
    const variables = [...text.matchAll(/\$\{([A-Z_]+)\}/g)].map((match) => match[1] ?? '')
    const env = Object.fromEntries(
      variables.map((name) => [name, name.endsWith('_HASH') ? PASSWORD_HASH : SECRET]),
    )
    const { snapshot, lines } = await load(
      t,
      { ...FILES, 'gatehouse.yaml': whole },
      { env, now: Date.now },
    )
    t.strictSame(
      lines.filter((line) => !line.includes(': warning: ')),
      [],
    )
    t.ok(snapshot)
  })
}

for (const { at, text } of byKind.get('policy') ?? []) {
  test(`the policy at ${at} passes the check`, async (t) => {
    const options = { allowHttp: false, providers: undefined, readText: () => '' }
    const { problems } = compilePolicies([{ file: at, text }], options)
    t.notOk(hasErrors(problems), problems.map(formatProblem).join('\n'))
  })
}

for (const { at, text } of byKind.get('test') ?? []) {
  test(`the test file at ${at} is one`, async (t) => {
    t.strictSame(checkSchema(SuiteFile, readYaml(at, text)).map(formatProblem), [])
  })
}

for (const { at, text } of byKind.get('subjects') ?? []) {
  test(`the subjects at ${at} are some`, async (t) => {
    t.strictSame(checkSchema(SubjectsFile, readYaml(at, text)).map(formatProblem), [])
  })
}

test('the page of the policy language shows every criterion, operator and matcher', async (t) => {
  const shown = new Set<string>()
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk)
    if (!isMapping(value)) return
    for (const [key, inner] of Object.entries(value)) {
      shown.add(key.replace(/\/.*/, '/'))
      walk(inner)
    }
  }
  for (const { at, text } of byKind.get('policy') ?? []) {
    if (at.startsWith('docs/policy-language.md')) walk(readYaml(at, text).value)
  }
  const matchers = [...TEXT_OPERATORS, ...LIST_OPERATORS]
  const missing = [...CRITERION_NAMES, ...OPERATORS, ...matchers].filter((name) => !shown.has(name))
  // What always holds is only ever mentioned.
  t.strictSame(missing, ['accept'])
})

test('every sample is YAML, and those of the configuration are recognised', async (t) => {
  for (const { at, text } of samples) {
    t.strictSame(readYaml(at, text).problems.map(formatProblem), [], at)
  }
  const configs = (byKind.get('config') ?? []).map(({ at }) => at)
  t.ok(configs.filter((at) => at.startsWith('docs/configuration.md')).length >= 2)
})
