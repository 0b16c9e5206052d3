/** YAML read as data and as a tree, with the place of everything in it. */

import { test } from 'tap'
import { readYaml, type YamlDocument } from '../../src/support/yaml-document.ts'
import type { YamlNode } from '../../src/support/yaml-node.ts'

const TEXT = `# people
ana:
  age: 41
  tags: &t [a, "b c"]
ben:
  age:
  tags: *t
  "on call": true
`

function place({ line, column }: { line: number; column: number }): string {
  return `${line}:${column}`
}

function read(text: string): YamlDocument {
  return readYaml('people.yaml', text)
}

test('a document is plain data', async (t) => {
  const { value, problems, file } = read(TEXT)
  t.strictSame(problems, [])
  t.equal(file, 'people.yaml')
  t.strictSame(value, {
    ana: { age: 41, tags: ['a', 'b c'] },
    ben: { age: null, tags: ['a', 'b c'], 'on call': true },
  })
})

test('every value and every key has its place, or that of what is nearest', async (t) => {
  const document = read(TEXT)
  t.equal(place(document.valueAt(['ana', 'age'])), '3:8')
  t.equal(place(document.keyAt(['ana', 'age'])), '3:3')
  t.equal(place(document.valueAt(['ana', 'tags', 1])), '4:16')
  t.equal(place(document.valueAt(['ben', 'tags', 1])), '4:16')
  t.equal(place(document.keyAt(['ben', 'on call'])), '8:3')
  t.equal(place(document.valueAt(['ana', 'shoes', 3])), '3:3')
  t.equal(place(document.keyAt(['ana', 'shoes'])), '2:1')
  t.equal(place(document.valueAt(['ana', 'tags', 7])), '4:12')
  t.equal(place(document.valueAt(['ana', 'age', 'x'])), '3:8')
  t.equal(place(document.keyAt([])), '2:1')
})

/** A tree as text: places in front of everything that has one. */
function shown(node: YamlNode | undefined): string {
  if (node === undefined) return 'nothing'
  if (node.kind === 'scalar') return `${place(node.at)} ${JSON.stringify(node.value)}`
  if (node.kind === 'list') return `${place(node.at)} [${node.items.map(shown).join(', ')}]`
  const entries = node.entries.map(
    ({ key, keyAt, value }) => `${place(keyAt)} ${key}: ${shown(value)}`,
  )
  return `${place(node.at)} {${entries.join(', ')}}`
}

test('a tree knows the place of everything', async (t) => {
  t.equal(
    shown(read('a: [1, { b: "x" }]\nc:\n').tree),
    '1:1 {1:1 a: 1:4 [1:5 1, 1:8 {1:10 b: 1:13 "x"}], 2:1 c: 2:1 null}',
  )
})

test('what is used through an alias is one object in the tree', async (t) => {
  const tree = read('a: &x { b: 1 }\nc: *x\nd: &y text\ne: *y\n').tree
  if (tree?.kind !== 'map') throw new Error('no mapping')
  const [a, c, d, e] = tree.entries.map(({ value }) => value)
  t.equal(a, c)
  t.equal(d, e)
})

test('an anchor that is set again stands for its last value', async (t) => {
  t.strictSame(read('a: &x 1\nb: *x\nc: &x 2\nd: *x\n').value, { a: 1, b: 1, c: 2, d: 2 })
})

test('an anchor may stand at a key', async (t) => {
  t.strictSame(read('&x a: 1\nb: *x\n').value, { a: 1, b: 'a' })
})

for (const text of ['', '\n# nothing\n', 'null\n', '~']) {
  test(`nothing is no data: ${JSON.stringify(text)}`, async (t) => {
    const document = read(text)
    t.strictSame(document.problems, [])
    t.equal(document.value, undefined)
    t.equal(document.tree, undefined)
    t.equal(place(document.valueAt(['a'])), '1:1')
  })
}

test('a document that is broken is no data', async (t) => {
  const document = read('a: [1\n')
  t.equal(document.problems.length, 1)
  t.equal(document.value, undefined)
  t.equal(document.tree, undefined)
  t.equal(place(document.keyAt(['a'])), '1:1')
})

test('a key of every object is a key like any other', async (t) => {
  const { value } = read('__proto__: { a: 1 }\n')
  t.strictSame(Object.keys(value as object), ['__proto__'])
  t.equal(Object.getPrototypeOf(value), Object.prototype)
})

test('quotes are remembered', async (t) => {
  const tree = read('[a, "a", 7, "7"]').tree
  if (tree?.kind !== 'list') throw new Error('no list')
  t.strictSame(
    tree.items.map((item) => item.kind === 'scalar' && item.quoted),
    [false, true, false, true],
  )
})
