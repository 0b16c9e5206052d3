/** `gatehouse sessions list|revoke`: live sessions, asked of a running gateway's admin listener. */

import { type Command, Option } from 'commander'
import { foldAscii } from '../policy/language/fold.ts'
import type { AddCommand, Io } from './io.ts'
import { printable } from './output-trace.ts'
import { counted } from './print-problems.ts'

const DEFAULT_ADMIN = 'http://127.0.0.1:9901'
const TOKEN = 'GATEHOUSE_ADMIN_TOKEN'

interface SessionOptions {
  readonly user?: string
  readonly id?: string
  readonly all?: boolean
  readonly admin: string
}

/** As the admin listener gives it. */
interface Session {
  readonly id: string
  readonly sub: string
  readonly email: string | null
  readonly provider: string
  readonly method: string
  readonly signed_in_at: string
  readonly last_seen_at: string
  readonly expires_at: string
  readonly address: string
  readonly user_agent: string
}

/** What kept the answer away, as one sentence, and the exit code for it. */
class NoAnswer extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

export const addSessions: AddCommand = (program, io, done) => {
  const sessions = program
    .command('sessions')
    .summary('list or revoke live sessions')
    .description(
      `Lists or revokes live sessions through the admin listener of a running gateway. Where that asks for a token, it is taken from ${TOKEN}.`,
    )
  const act =
    (run: (options: SessionOptions) => Promise<number>) => async (options: SessionOptions) => {
      try {
        done(await run(options))
      } catch (cause) {
        if (!(cause instanceof NoAnswer)) throw cause
        io.stderr(`gatehouse: ${printable(cause.message)}\n`)
        done(cause.exitCode)
      }
    }
  choosing(sessions.command('list'), 'show only those of this e-mail or subject', 'show all')
    .summary('who is signed in')
    .description('Shows live sessions, the last used first; all of them unless some are named.')
    .addHelpText('after', '\nExit code 0; 1 when the admin listener does not answer or refuses.')
    .action(act((options) => list(options, io)))
  choosing(sessions.command('revoke'), 'all sessions of this e-mail or subject', 'every session')
    .summary('end sessions at once, everywhere')
    .description('Ends the sessions named, at every gateway that shares their store.')
    .addHelpText(
      'after',
      '\nExit code 0; 1 when the admin listener does not answer or refuses; 2 when nothing is named.',
    )
    .action(act((options) => revoke(options, io)))
}

function choosing(command: Command, user: string, all: string): Command {
  return command
    .addOption(new Option('--user <email>', user).conflicts(['id', 'all']))
    .addOption(new Option('--id <id>', 'the session of this id').conflicts(['user', 'all']))
    .addOption(new Option('--all', all).conflicts(['user', 'id']))
    .option('--admin <url>', 'where the admin listener is', DEFAULT_ADMIN)
}

async function list(options: SessionOptions, io: Io): Promise<number> {
  const { sessions } = (await ask('GET', '', options, io)) as { readonly sessions: Session[] }
  const shown = sessions.filter((session) => isMeant(session, options))
  shown.sort((a, b) => b.last_seen_at.localeCompare(a.last_seen_at))
  io.stdout(`${[...tableOf(shown), counted(shown.length, 'session')].join('\n')}\n`)
  return 0
}

async function revoke(options: SessionOptions, io: Io): Promise<number> {
  const query = queryOf(options)
  if (query === undefined) {
    throw new NoAnswer('name what to revoke: --user EMAIL, --id ID or --all', 2)
  }
  const { revoked } = (await ask('DELETE', `?${query}`, options, io)) as {
    readonly revoked: number
  }
  io.stdout(`${counted(revoked, 'session')} revoked\n`)
  return 0
}

function isMeant({ id, sub, email }: Session, options: SessionOptions): boolean {
  if (options.id !== undefined) return id === options.id
  if (options.user === undefined) return true
  return sub === options.user || (email !== null && foldAscii(email) === foldAscii(options.user))
}

function queryOf({ user, id, all }: SessionOptions): string | undefined {
  if (user !== undefined) return `user=${encodeURIComponent(user)}`
  if (id !== undefined) return `id=${encodeURIComponent(id)}`
  return all === true ? 'all=true' : undefined
}

async function ask(
  method: 'GET' | 'DELETE',
  query: string,
  { admin }: SessionOptions,
  { env }: Io,
): Promise<unknown> {
  const origin = originOf(admin)
  const headers = authorization(env[TOKEN])
  let response: Response
  try {
    response = await fetch(`${origin}/sessions${query}`, {
      method,
      headers,
      // The token is for this address and no other.
      redirect: 'error',
    })
  } catch (cause) {
    throw new NoAnswer(`no admin listener answers at ${origin}: ${reasonOf(cause)}`)
  }
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) return body
  throw new NoAnswer(`${origin} answered ${response.status}: ${refusalOf(response.status, body)}`)
}

/** Checked here: fetch would repeat a token that no header can hold. */
function authorization(token: string | undefined): Record<string, string> {
  if (token === undefined || token === '') return {}
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new NoAnswer(
      `${TOKEN} holds a space, a line end or another character that no token has`,
      2,
    )
  }
  return { authorization: `Bearer ${token}` }
}

function originOf(admin: string): string {
  if (!URL.canParse(admin) || !/^https?:/.test(admin)) {
    throw new NoAnswer(`--admin must be a URL such as ${DEFAULT_ADMIN}`, 2)
  }
  return new URL(admin).origin
}

/** What fetch says is "fetch failed"; why stands in its cause. */
function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  if (inner instanceof AggregateError && inner.errors[0] instanceof Error) {
    return inner.errors[0].message
  }
  return inner instanceof Error ? inner.message : String(inner)
}

function refusalOf(status: number, body: unknown): string {
  if (status === 401) return `it wants \`server.admin_token\`; put that in ${TOKEN}`
  if (status === 404) return 'beyond loopback it needs `server.admin_token` in its config'
  const message = (body as { readonly message?: unknown } | undefined)?.message
  return typeof message === 'string' ? message : 'it is no admin listener of Gatehouse'
}

const COLUMNS: readonly (readonly [title: string, of: (session: Session) => string])[] = [
  ['USER', ({ email, sub }) => email ?? sub],
  ['PROVIDER', ({ provider }) => provider],
  ['METHOD', ({ method }) => method],
  ['SIGNED IN', ({ signed_in_at }) => minute(signed_in_at)],
  ['LAST SEEN', ({ last_seen_at }) => minute(last_seen_at)],
  ['EXPIRES', ({ expires_at }) => minute(expires_at)],
  ['ADDRESS', ({ address }) => address],
  ['ID', ({ id }) => id],
  ['USER AGENT', ({ user_agent }) => user_agent],
]

function tableOf(sessions: readonly Session[]): readonly string[] {
  if (sessions.length === 0) return []
  const rows = [
    COLUMNS.map(([title]) => title),
    ...sessions.map((session) => COLUMNS.map(([, of]) => printable(of(session)))),
  ]
  const widths = COLUMNS.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** `2026-03-02 09:00Z`: what people compare. */
function minute(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)}Z`
}
