import { PassThrough } from 'node:stream'
import { test } from 'tap'
import { createPasswordChecks } from '../../src/identity/passwords.ts'
import { parsePasswordHash } from '../../src/support/password-hash.ts'
import { runCommand } from './run-command.ts'

async function checks(printed: string, password: string): Promise<boolean | undefined> {
  const hash = parsePasswordHash(printed.trim())
  if (typeof hash === 'string') throw new Error(hash)
  return createPasswordChecks().check(password, hash)
}

function stdin(text: string) {
  const stream = new PassThrough()
  stream.end(text)
  return stream
}

test('reads one line where standard input is no terminal, and prints a hash that holds', async (t) => {
  for (const [text, password] of [
    ['secret word\n', 'secret word'],
    ['secret word', 'secret word'],
    ['pässword\r\nmore\n', 'pässword'],
  ] as const) {
    const result = await runCommand(['hash-password'], { stdin: stdin(text) })
    t.equal(result.exitCode, 0)
    t.equal(result.stderr, '')
    t.match(result.stdout, /^scrypt:ln=15,r=8,p=3:[A-Za-z0-9_-]{22}:[A-Za-z0-9_-]{43}\n$/)
    t.notOk(result.stdout.includes(password))
    t.equal(await checks(result.stdout, password), true)
    t.equal(await checks(result.stdout, `${password}x`), false)
  }
})

test('two hashes of one password differ', async (t) => {
  const [one, two] = await Promise.all(
    ['a', 'a'].map(
      async (text) => (await runCommand(['hash-password'], { stdin: stdin(text) })).stdout,
    ),
  )
  t.not(one, two)
})

test('nothing, and more than a password can be, are exit 2', async (t) => {
  for (const text of ['', '\n', `${'x'.repeat(1_025)}\n`]) {
    const result = await runCommand(['hash-password'], { stdin: stdin(text) })
    t.equal(result.exitCode, 2)
    t.equal(result.stdout, '')
    t.match(result.stderr, /^gatehouse hash-password: /)
  }
})

/** A terminal at which somebody types, once it is ready. */
function terminal(typed: readonly string[]) {
  const stream = new PassThrough() as PassThrough & { isTTY: true; setRawMode(raw: boolean): void }
  const modes: boolean[] = []
  const left = [...typed]
  stream.isTTY = true
  stream.setRawMode = (raw) => {
    modes.push(raw)
    if (raw) setImmediate(() => stream.write(left.shift() ?? '\u0003'))
  }
  return { stream, modes }
}

test('at a terminal it asks twice and shows nothing of what is typed', async (t) => {
  const { stream, modes } = terminal(['secrXX\u007f\u007fet\r', 'wrong\u0015secret\n'])
  const result = await runCommand(['hash-password'], { stdin: stream })
  t.equal(result.exitCode, 0)
  t.equal(result.stderr, 'Password: \nOnce more: \n')
  t.strictSame(modes, [true, false, true, false], 'the terminal is left as it was')
  t.equal(await checks(result.stdout, 'secret'), true)
})

test('two that differ, and one that is broken off, are exit 2', async (t) => {
  t.match(
    (await runCommand(['hash-password'], { stdin: terminal(['a\n', 'b\n']).stream })).stderr,
    /differ/,
  )
  const result = await runCommand(['hash-password'], { stdin: terminal(['abc\u0003']).stream })
  t.equal(result.exitCode, 2)
  t.match(result.stderr, /no password was given/)
})
