/** `gatehouse schema`: what it prints is JSON Schema, and says of real files what `check` says. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config is written with these

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { test } from 'tap'
import { readYaml } from '../../src/support/yaml-document.ts'
import { GOOD_CONFIG } from '../config/config-folder.ts'
import { runCommand } from './run-command.ts'

async function schemaOf(kind: string) {
  const { exitCode, stdout } = await runCommand(['schema', kind])
  return { exitCode, schema: JSON.parse(stdout) }
}

for (const kind of ['config', 'policy', 'test']) {
  test(`the schema of a ${kind} file is plain JSON Schema, as docs/schema holds it`, async (t) => {
    const { exitCode, schema } = await schemaOf(kind)
    t.equal(exitCode, 0)
    t.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema')
    t.match(schema, { title: /^Gatehouse /, description: /.+/ })
    t.notMatch(JSON.stringify(schema), /"x-(kind|expects)"/)
    t.doesNotThrow(() => new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema))
    const path = join(import.meta.dirname, `../../docs/schema/${kind}.schema.json`)
    t.strictSame(JSON.parse(await readFile(path, 'utf8')), schema, 'docs/schema is fresh')
  })
}

test('the schema of the config has a description for every key, and defaults', async (t) => {
  const { schema } = await schemaOf('config')
  for (const [name, section] of Object.entries<{ properties?: object }>(schema.properties)) {
    for (const [key, property] of Object.entries(section.properties ?? {})) {
      t.type(property.description, 'string', `${name}.${key}`)
    }
  }
  t.equal(schema.properties.session.properties.lifetime.default, '14h')
  t.strictSame(schema.required, ['server', 'providers'])
})

const configs: Record<string, { yaml: string; isGood: boolean }> = {
  'a good one': { yaml: GOOD_CONFIG, isGood: true },
  'references for anything': {
    yaml: `${GOOD_CONFIG}  idle: "\${IDLE}"\nlogging: { level: "\${LEVEL}" }\n`,
    isGood: true,
  },
  'an unknown key': { yaml: `${GOOD_CONFIG}  idel: 1h\n`, isGood: false },
  'a wrong type': { yaml: `${GOOD_CONFIG}  idle: 60\n`, isGood: false },
  'a missing section': { yaml: 'server: { public_url: https://a.example }\n', isGood: false },
}
for (const [name, { yaml, isGood }] of Object.entries(configs)) {
  test(`the schema of the config judges ${name}`, async (t) => {
    const { schema } = await schemaOf('config')
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema)
    t.equal(validate(readYaml('c.yaml', yaml).value), isGood)
  })
}
