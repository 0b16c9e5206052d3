/** What is written reads back as it was meant, comments at their places. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of a config

import { test } from 'tap'
import { readYaml } from '../../src/support/yaml-document.ts'
import {
  isWritten,
  type WritableEntry,
  type WritableMap,
  type WritableNode,
  type WritablePart,
  writeYaml,
} from '../../src/support/yaml-writer.ts'

const text = (value: string | number | boolean): WritableNode => ({ kind: 'scalar', value })
const part = (value: WritableNode, more: Partial<WritablePart> = {}): WritablePart => ({
  value,
  comments: [],
  off: false,
  gap: false,
  ...more,
})
const entry = (
  key: string,
  value: WritableNode,
  more: Partial<WritablePart> = {},
): WritableEntry => ({
  ...part(value, more),
  key,
})
const map = (...entries: WritableEntry[]): WritableMap => ({ kind: 'map', entries, inline: false })

const shown = (one: string) => one.replace(/[^ -~]/g, (char) => `U+${char.charCodeAt(0)}`)

const ODD = [
  'yes',
  'null',
  '08:00',
  '1e3',
  '',
  ' a ',
  'a: b',
  '# a',
  '*',
  '- a',
  'a\nb\n',
  '${X}',
  '\u0085\t"\'\\',
  '{',
  '!!x',
]

test('texts are read back as they were', async (t) => {
  const written = writeYaml(map(...ODD.map((value, i) => entry(`k${i}`, text(value)))), [])
  const { value, problems } = readYaml('x.yaml', written)
  t.strictSame(problems, [])
  t.strictSame(value, Object.fromEntries(ODD.map((one, i) => [`k${i}`, one])))
})

test('what is off stands as a comment above what follows, or at the end', async (t) => {
  const inner = map(
    entry('a', text(1), { off: true, comments: ['why a'] }),
    entry('b', text(2), { comments: ['about b'] }),
    entry('c', map(entry('d', text(3))), { off: true }),
  )
  const items: WritableNode = {
    kind: 'list',
    items: [part(text('x'), { off: true }), part(text('y'), { comments: ['about y'] })],
    inline: false,
  }
  const written = writeYaml(map(entry('m', inner), entry('l', items, { gap: true })), ['head'])
  t.equal(
    written,
    `# head

m:
  # why a
  # a: 1
  # about b
  b: 2
  # c:
  #   d: 3

l:
  # - x
  # about y
  - y
`,
  )
})

test('a mapping with nothing left in it is a comment; one that never had anything is not', async (t) => {
  const emptied = entry('e', map(entry('a', text(1), { off: true })))
  const empty = entry('f', { kind: 'map', entries: [], inline: true })
  t.notOk(isWritten(emptied))
  t.ok(isWritten(empty))
  t.equal(writeYaml(map(emptied, empty), []), '# e:\n#   a: 1\nf: {}\n')
})

test('a file of comments alone is empty', async (t) => {
  const written = writeYaml(map(entry('a', text(1), { off: true })), ['head'])
  t.equal(written, '# head\n\n# a: 1\n')
  t.equal(readYaml('x.yaml', written).value, undefined)
})

test('no comment can end itself', async (t) => {
  const evil = [
    'a\nb: 1',
    'a\r\nb: 1',
    'a\u2028b: 1',
    'a\u0085b: 1',
    'a\u0000b',
    `${'long '.repeat(60)}end`,
  ]
  for (const comment of evil) {
    const written = writeYaml(map(entry('k', text(1), { comments: [comment] })), [comment])
    const { value, problems } = readYaml('x.yaml', written)
    t.strictSame(problems, [], shown(comment))
    t.strictSame(value, { k: 1 })
  }
})
