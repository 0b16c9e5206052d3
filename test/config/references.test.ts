// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config is written with these
/** What stands for something else in the config file: variables, files, and what is only written like them. */

import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createInputFiles } from '../../src/config/input-files.ts'
import { type Environment, fillReferences } from '../../src/config/references.ts'
import { WrittenConfig } from '../../src/config/written-schema.ts'
import { formatProblem } from '../../src/support/problem.ts'
import { plainSchema } from '../../src/support/schema-words.ts'
import { readYaml } from '../../src/support/yaml-document.ts'

async function fill(
  t: Test,
  yaml: string,
  env: Environment = {},
  files: Record<string, string> = {},
) {
  const folder = t.testdir({ ...files })
  const document = readYaml('gatehouse.yaml', yaml)
  t.strictSame(document.problems, [], 'the YAML is good')
  const sources = { env, files: createInputFiles(), folder }
  const { value, problems } = await fillReferences(document, plainSchema(WrittenConfig), sources)
  return { value, problems: problems.map(formatProblem), folder }
}

const texts: Record<string, { written: string; env?: Environment; read: string }> = {
  'a variable by itself': { written: '${NAME}', env: { NAME: 'acme' }, read: 'acme' },
  'a variable within a text': { written: 'a-${NAME}-b', env: { NAME: 'acme' }, read: 'a-acme-b' },
  'two variables': { written: '${A}${B}', env: { A: '1', B: '2' }, read: '12' },
  'an empty variable': { written: '<${A}>', env: { A: '' }, read: '<>' },
  'a literal': { written: '$${NAME}', read: '${NAME}' },
  'a literal beside a variable': { written: '$${A}${A}', env: { A: 'x' }, read: '${A}x' },
  'a dollar without braces': { written: 'a$b$$c', read: 'a$b$$c' },
  'a reference in what a variable holds': { written: '${A}', env: { A: '${B}' }, read: '${B}' },
  'YAML in what a variable holds': { written: '${A}', env: { A: 'a: [1]' }, read: 'a: [1]' },
}
for (const [name, { written, env, read }] of Object.entries(texts)) {
  test(`references: ${name}`, async (t) => {
    const filled = await fill(t, `brand: { name: ${JSON.stringify(written)} }`, env)
    t.strictSame(filled.value, { brand: { name: read } })
    t.strictSame(filled.problems, [])
  })
}

test('a file is taken without its last newline, from the folder of the config', async (t) => {
  const files = { 'secret.txt': 'one\ntwo\n\n', 'windows.txt': 'one\r\n' }
  const yaml = 'brand: { name: "${file:secret.txt}", contact: "${file:windows.txt}" }'
  const { value } = await fill(t, yaml, {}, files)
  t.strictSame(value, { brand: { name: 'one\ntwo\n', contact: 'one' } })
})

const typed: Record<string, { yaml: string; text: string; value: unknown }> = {
  'true for true or false': {
    yaml: 'server: { allow_http: "${V}" }',
    text: 'true',
    value: { server: { allow_http: true } },
  },
  'digits for a text': {
    yaml: 'providers: { a: { client_id: "${V}" } }',
    text: '0042',
    value: { providers: { a: { client_id: '0042' } } },
  },
  'a duration': {
    yaml: 'session: { idle: "${V}" }',
    text: '5m',
    value: { session: { idle: '5m' } },
  },
  'a list with commas': {
    yaml: 'server: { trusted_proxies: "${V}" }',
    text: '10.0.0.0/8, 192.168.0.1',
    value: { server: { trusted_proxies: ['10.0.0.0/8', '192.168.0.1'] } },
  },
  'a list with brackets': {
    yaml: 'server: { trusted_proxies: "${V}" }',
    text: '["fd00::/8"]',
    value: { server: { trusted_proxies: ['fd00::/8'] } },
  },
  'an empty list': {
    yaml: 'server: { trusted_proxies: "${V}" }',
    text: '',
    value: { server: { trusted_proxies: [] } },
  },
  'what does not fit stays text, for the schema to refuse': {
    yaml: 'server: { allow_http: "${V}" }',
    text: 'perhaps',
    value: { server: { allow_http: 'perhaps' } },
  },
}
for (const [name, { yaml, text, value }] of Object.entries(typed)) {
  test(`a whole value is read as its key's type: ${name}`, async (t) => {
    t.strictSame((await fill(t, yaml, { V: text })).value, value)
  })
}

const failing: Record<string, { yaml: string; problem: string }> = {
  'a variable that is not set': {
    yaml: 'brand:\n  name: "${NOBODY}"',
    problem: 'gatehouse.yaml:2:9: environment variable `NOBODY` is not set',
  },
  'one in a list': {
    yaml: 'session: { secret: [a, "${OLD}"] }',
    problem: 'gatehouse.yaml:1:24: environment variable `OLD` is not set',
  },
  'a file that is not there': {
    yaml: 'brand: { name: "${file:no.txt}" }',
    problem: 'gatehouse.yaml:1:16: cannot read `no.txt`: no such file',
  },
  'a folder for a file': {
    yaml: 'brand: { name: "${file:.}" }',
    problem: 'gatehouse.yaml:1:16: cannot read `.`: it is a folder',
  },
  'a name with a dash': {
    yaml: 'brand: { name: "${A-B}" }',
    problem:
      'gatehouse.yaml:1:16: `${` begins neither `${NAME}` nor `${file:PATH}`; write `$${` for the text itself',
  },
  'a brace that does not close': {
    yaml: 'brand: { name: "x${A" }',
    problem:
      'gatehouse.yaml:1:16: `${` begins neither `${NAME}` nor `${file:PATH}`; write `$${` for the text itself',
  },
}
for (const [name, { yaml, problem }] of Object.entries(failing)) {
  test(`references refused: ${name}`, async (t) => {
    t.strictSame((await fill(t, yaml)).problems, [problem])
  })
}

test('keys are never filled in', async (t) => {
  const { value } = await fill(t, 'identity_headers: { headers: { "${A}": sub } }', { A: 'X-A' })
  t.strictSame(value, { identity_headers: { headers: { '${A}': 'sub' } } })
})

test('files that are named are among those to watch, also when they are missing', async (t) => {
  const folder = t.testdir({ 'a.txt': 'a' })
  const files = createInputFiles()
  const document = readYaml('c.yaml', 'brand: { name: "${file:a.txt}${file:b.txt}" }')
  await fillReferences(document, plainSchema(WrittenConfig), { env: {}, files, folder })
  t.strictSame([...files.stamps().keys()], [join(folder, 'a.txt'), join(folder, 'b.txt')])
})
