/** `gatehouse hash-password`: the hash of a password for `local_admins`, read without showing it. */

import { createInterface } from 'node:readline'
import { hashPassword, MAX_PASSWORD_BYTES } from '../identity/passwords.ts'
import type { AddCommand, Io } from './io.ts'

export const addHashPassword: AddCommand = (program, io, done) => {
  program
    .command('hash-password')
    .summary('hash a password for `local_admins`')
    .description(
      'Asks for a password, twice and without echo, or reads one line of standard input when that is no terminal, and prints its scrypt hash for `local_admins` to stdout.',
    )
    .action(async () => {
      done(await hash(io))
    })
}

async function hash(io: Io): Promise<number> {
  const password = await (isTerminal(io.stdin) ? askTwice(io, io.stdin) : firstLine(io.stdin))
  const wrong = refusal(password)
  if (typeof password !== 'string' || wrong !== undefined) {
    io.stderr(`gatehouse hash-password: ${wrong}\n`)
    return 2
  }
  io.stdout(`${await hashPassword(password)}\n`)
  return 0
}

function refusal(password: string | undefined): string | undefined {
  if (password === undefined || password === '') return 'no password was given'
  if (password === DIFFER) return 'the two passwords differ'
  if (Buffer.byteLength(password) <= MAX_PASSWORD_BYTES) return undefined
  return `a password has at most ${MAX_PASSWORD_BYTES} bytes`
}

/** No password: it holds a line break. */
const DIFFER = 'differ\n'

type Terminal = NodeJS.ReadableStream & {
  readonly isTTY: true
  setRawMode(raw: boolean): unknown
}

function isTerminal(stream: NodeJS.ReadableStream): stream is Terminal {
  return 'isTTY' in stream && stream.isTTY === true && 'setRawMode' in stream
}

async function askTwice(io: Io, terminal: Terminal): Promise<string | undefined> {
  const first = await ask(io, terminal, 'Password: ')
  if (first === undefined || first === '') return first
  return (await ask(io, terminal, 'Once more: ')) === first ? first : DIFFER
}

const ENDS: ReadonlySet<string> = new Set(['\r', '\n'])
/** Control-C and Control-D. */
const BREAKS_OFF: ReadonlySet<string> = new Set(['\u0003', '\u0004'])

function edit(typed: string[], character: string): void {
  if (character === '\u0015') typed.length = 0
  else if (character === '\u007f' || character === '\b') typed.pop()
  else typed.push(character)
}

/** In raw mode nothing that is typed is shown, and editing is ours. `undefined` where it is broken off. */
function ask(io: Io, terminal: Terminal, prompt: string): Promise<string | undefined> {
  io.stderr(prompt)
  return new Promise((resolve) => {
    const typed: string[] = []
    const finish = (answer: string | undefined): void => {
      terminal.off('data', read)
      terminal.setRawMode(false)
      terminal.pause()
      io.stderr('\n')
      resolve(answer)
    }
    const read = (data: string | Buffer): void => {
      for (const character of data.toString('utf8')) {
        if (ENDS.has(character)) return finish(typed.join(''))
        if (BREAKS_OFF.has(character)) return finish(undefined)
        edit(typed, character)
      }
    }
    terminal.setRawMode(true)
    terminal.on('data', read)
    terminal.resume()
  })
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string | undefined> {
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
  try {
    for await (const line of lines) return line
    return undefined
  } finally {
    lines.close()
  }
}
