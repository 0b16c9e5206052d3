/** Whatever a config file holds, the answer is a list of problems and never a failure of the program. */

import fc from 'fast-check'
import { test } from 'tap'
import { WrittenConfig } from '../../src/config/written-schema.ts'
import { plainSchema } from '../../src/support/schema-words.ts'
import { GOOD, load } from './config-folder.ts'

const schema = plainSchema(WrittenConfig)
const sections = Object.entries(schema.properties ?? {})

/** Data in the shape of a config, with any value in any place. */
const configs = fc.record(
  Object.fromEntries(
    sections.map(([name, section]) => {
      const keys = Object.keys(section.properties ?? { okta: {} })
      const mapping = fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), fc.jsonValue())
      return [name, fc.oneof(mapping, fc.jsonValue())]
    }),
  ),
  { requiredKeys: [] },
)

test('any data is refused with problems that have a place', async (t) => {
  await fc.assert(
    fc.asyncProperty(configs, async (config) => {
      const text = JSON.stringify(config)
      const { snapshot, problems } = await load(t, { ...GOOD, 'gatehouse.yaml': text })
      if (snapshot !== undefined) return
      for (const { line, column, message } of problems) {
        if (line < 1 || column < 1 || /[\n\r]/.test(message)) throw new Error(message)
      }
      if (!problems.some(({ severity }) => severity === 'error')) throw new Error('no error')
    }),
    { numRuns: 150 },
  )
  t.pass('150 configs')
})

const texts: Record<string, string> = {
  'a NUL': 'server: "\\0"\n\0',
  'an alias bomb': `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
    .split('')
    .map((name, i) => `${name}: &${name} [${`*${'abcdefg'[i]},`.repeat(9)}]`)
    .join('\n')}\n`,
  'many levels': '['.repeat(20_000),
  'a key that is a list': '? [a]\n: b\n',
  __proto__: '{ "__proto__": { "server": 1 } }',
  'constructor keys': 'constructor: 1\nserver: { toString: 2 }\nproviders: { hasOwnProperty: 3 }\n',
  'a number for the file': '7',
  'ten megabytes': `# ${'x'.repeat(10 * 1024 * 1024)}`,
  'a million entries': '-\n'.repeat(1_000_000),
  'a tab as indentation': 'server:\n\tlisten: 127.0.0.1:8080\n',
  'an alias within itself': 'server: &a { b: *a }',
  'levels by levels': '{a: '.repeat(10_000) + '}'.repeat(10_000),
}
for (const [name, text] of Object.entries(texts)) {
  test(`a config with ${name} is refused`, async (t) => {
    const started = performance.now()
    const { snapshot, problems } = await load(t, { ...GOOD, 'gatehouse.yaml': text })
    t.equal(snapshot, undefined)
    const [first] = problems
    t.match(first, { line: Number, column: Number, severity: 'error' })
    // Far more than any of them takes, far less than a parser needs that falls for one.
    t.ok(performance.now() - started < 30_000)
  })
}

test('a config with a byte order mark and CRLF is as good as another', async (t) => {
  const text = `\uFEFF${String(GOOD['gatehouse.yaml']).replaceAll('\n', '\r\n')}`
  t.ok((await load(t, { ...GOOD, 'gatehouse.yaml': text })).snapshot)
})
