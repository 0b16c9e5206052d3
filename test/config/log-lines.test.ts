/** Lines of a log, however they come. */

import { join } from 'node:path'
import { test } from 'tap'
import { openLines, readLines } from '../../src/config/log-lines.ts'
import { tempFolder } from '../support/temp-folder.ts'

async function linesOf(chunks: readonly (Buffer | string)[]) {
  const lines: string[] = []
  let unreadable = 0
  let bytes = 0
  async function* source() {
    yield* chunks
  }
  await readLines(
    { chunks: source(), size: undefined },
    {
      add: (line) => lines.push(line),
      addUnreadable: () => {
        unreadable++
      },
    },
    (done) => {
      bytes = done
    },
  )
  return { lines, unreadable, bytes }
}

const cases: Record<
  string,
  { chunks: readonly (Buffer | string)[]; lines: readonly string[]; unreadable?: number }
> = {
  nothing: { chunks: [], lines: [] },
  'one line': { chunks: ['a\n'], lines: ['a'] },
  'no end at the end': { chunks: ['a\nb'], lines: ['a', 'b'] },
  'empty lines': { chunks: ['\n\na\n\n'], lines: ['a'] },
  'lines of spaces': { chunks: ['  \n\t\r\na\n'], lines: ['a'] },
  'pieces of a line': { chunks: ['a', 'b', 'c\nd', '\n'], lines: ['abc', 'd'] },
  'pieces of a character': {
    chunks: [Buffer.from('é\n').subarray(0, 1), Buffer.from('é\n').subarray(1)],
    lines: ['é'],
  },
  'ends of another system': { chunks: ['a\r\nb\r\n'], lines: ['a\r', 'b\r'] },
  'a byte order mark': { chunks: ['\ufeff{}\n'], lines: ['{}'] },
  'no text': { chunks: [Buffer.from([0xff, 0xfe, 0x0a, 0x61, 0x0a])], lines: ['a'], unreadable: 1 },
  'a zero byte': { chunks: ['a\0b\n'], lines: ['a\0b'] },
  'a line that is too long': {
    chunks: ['x'.repeat(700_000), 'x'.repeat(700_000), '\na\n'],
    lines: ['a'],
    unreadable: 1,
  },
  'an end that never comes': {
    chunks: Array(20).fill('x'.repeat(200_000)),
    lines: [],
    unreadable: 1,
  },
}
for (const [name, { chunks, lines, unreadable = 0 }] of Object.entries(cases)) {
  test(`lines: ${name}`, async (t) => {
    const read = await linesOf(chunks)
    t.strictSame(read.lines, lines)
    t.equal(read.unreadable, unreadable)
    t.equal(
      read.bytes,
      chunks.reduce((sum, chunk) => sum + Buffer.byteLength(chunk), 0),
    )
  })
}

test('a file says how long it is, and one that is not there does not open', async (t) => {
  const folder = tempFolder(t, { log: 'a\nb\n' })
  const source = await openLines(join(folder, 'log'))
  t.equal(source.size, 4)
  for await (const _ of source.chunks) t.pass('read')
  await t.rejects(openLines(join(folder, 'none')), { code: 'ENOENT' })
})
