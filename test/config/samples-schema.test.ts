/** Every sample of the project against the published JSON Schemas, read and judged by libraries that Gatehouse does not use. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@cfworker/json-schema'
import { test } from 'tap'
import { parse } from 'yaml'
import { isMapping } from '../../src/support/mapping.ts'
import { type Placed, ROOT } from '../support/doc-pages.ts'
import { documentationSamples, kindOf } from '../support/samples.ts'

const KINDS = ['config', 'policy', 'test'] as const

const validators = new Map(
  KINDS.map((kind) => {
    const file = join(ROOT, `docs/schema/${kind}.schema.json`)
    return [kind, new Validator(JSON.parse(readFileSync(file, 'utf8')), '2020-12', false)]
  }),
)

/** Guides show parts of a config; the rest is what every config has. */
const NEEDED = {
  server: { public_url: 'https://auth.example.com' },
  providers: { okta: { issuer: 'https://acme.okta.com', client_id: '0oa1' } },
}

function whole(value: unknown): unknown {
  if (!isMapping(value)) return value
  const server = isMapping(value['server'])
    ? { ...NEEDED.server, ...value['server'] }
    : NEEDED.server
  return { ...NEEDED, ...value, server }
}

function projectFiles(): readonly Placed[] {
  return readdirSync(join(ROOT, 'policies'))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => ({
      at: `policies/${name}`,
      text: readFileSync(join(ROOT, 'policies', name), 'utf8'),
    }))
}

let judged = 0
for (const { at, text } of [...documentationSamples(), ...projectFiles()]) {
  const value: unknown = parse(text)
  const validator = validators.get(kindOf(value) as (typeof KINDS)[number])
  if (validator === undefined) continue
  judged++
  test(`${at} is what its schema says`, async (t) => {
    const { valid, errors } = validator.validate(kindOf(value) === 'config' ? whole(value) : value)
    t.ok(
      valid,
      errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`).join('\n'),
    )
  })
}

test('there are samples of every kind, and a file of another kind does not pass', async (t) => {
  t.ok(judged > 20, `${judged} samples`)
  t.notOk(validators.get('policy')?.validate({ routs: [] }).valid)
  t.notOk(validators.get('config')?.validate({ ...NEEDED, sesion: {} }).valid)
  t.notOk(validators.get('test')?.validate({ suite: 'a' }).valid)
})
