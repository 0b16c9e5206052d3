/**
 * What an attack is, and when a proxy holds: whatever it was sent, an app behind it reads one request for each one that
 * was judged, on a path that this person may ask for, with no word of the client's about who asks.
 */

import { type RawAnswer, rawRequest } from '../support/raw-request.ts'
import type { ReceivedRequest } from './byte-upstream.ts'
import { readingsOf } from './readings.ts'
import { type Claim, PEOPLE, type Target } from './target.ts'

/** Somebody of `PEOPLE`, or nobody that is known. */
export type Who = 'nobody' | 'ada' | 'mallory' | 'spaces' | 'dora' | 'mei' | 'crlf' | 'many'

/** What came of one attempt. */
export interface Seen {
  readonly sent: string
  /** Over HTTP/1.1. */
  readonly answer: RawAnswer
  /** What the upstream could read. */
  readonly arrived: readonly ReceivedRequest[]
  /** Why the proxy did not hold. */
  readonly fault: string | undefined
}

export interface Attempt {
  readonly name: string
  readonly run: (target: Target) => Promise<Seen>
}

export interface Attack {
  /** Class and number, as in `C4`. */
  readonly id: string
  readonly name: string
  /** Why it says nothing about this target. */
  readonly inapplicable?: (target: Target) => string | undefined
  readonly attempts: (target: Target) => readonly Attempt[]
}

/** Says what is wrong, over and above what holds for all attacks. */
export type Judge = (seen: Omit<Seen, 'fault'>, target: Target) => string | undefined

export interface AttemptOptions {
  /** Who sends; default `nobody`. */
  readonly who?: Who
  readonly judge?: Judge
  /** Default `close`: the target ends the connection, or the client asks it to. */
  readonly until?: 'answer' | 'close'
}

/** @param bytes a whole request or several; given the person's `Cookie: ...` with its line end, or nothing */
export function attempt(
  name: string,
  bytes: string | ((cookie: string, target: Target) => string | Promise<string>),
  { who = 'nobody', judge, until = 'close' }: AttemptOptions = {},
): Attempt {
  return {
    name,
    run: async (target) => {
      const cookie = who === 'nobody' ? '' : `${await target.cookie(who)}\r\n`
      const sent = typeof bytes === 'string' ? bytes : await bytes(cookie, target)
      target.upstream.forget()
      const answer = await rawRequest(target.port, sent, { until })
      if (answer.status === SWITCHING) await untilArrived(target)
      return judged(target, who, { sent, answer, arrived: [...target.upstream.requests] }, judge)
    },
  }
}

/** Some open the way to the upstream behind their own answer. */
const SWITCHING = 101
const PATIENCE_MS = 2_000

async function untilArrived({ upstream }: Target): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (upstream.requests.length === 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** The rules for all attacks, and then those of this one. */
export function judged(
  target: Target,
  who: Who,
  seen: Omit<Seen, 'fault'>,
  judge: Judge = () => undefined,
): Seen {
  const fault =
    unreadable(target) ??
    moreThanJudged(seen) ??
    forbidden(target, who, seen.arrived) ??
    forged(target, who, seen.arrived) ??
    trailing(target, seen.arrived) ??
    judge(seen, target)
  return { ...seen, fault }
}

function unreadable({ upstream }: Target): string | undefined {
  const [problem] = upstream.problems
  return problem === undefined ? undefined : `the upstream cannot read it in one way: ${problem}`
}

/** Each request that was judged has an answer; interim ones are none. */
function moreThanJudged({ answer, arrived }: Omit<Seen, 'fault'>): string | undefined {
  const answers = answer.text.match(/HTTP\/1\.[01] (?!10[0-3])\d{3}/g)?.length ?? 0
  const most = Math.max(answers, 1)
  const lines = () => arrived.map(({ line }) => line).join(', ')
  return arrived.length > most
    ? `${arrived.length} requests arrived for ${answers} answers: ${lines()}`
    : undefined
}

function forbidden(
  { ownPath }: Target,
  who: Who,
  arrived: readonly ReceivedRequest[],
): string | undefined {
  for (const { line, target } of arrived) {
    for (const [reading, path] of readingsOf(target)) {
      // No app has anything there: whoever runs the proxy has given it that path.
      if (path !== ownPath && !mayAsk(who, path))
        return `\`${line}\` arrived, which is \`${path}\` ${reading}`
    }
  }
  return undefined
}

function mayAsk(who: Who, path: string): boolean {
  if (path.startsWith('/public/')) return true
  if (who === 'nobody') return false
  const isAdmin = PEOPLE.some(({ id, groups }) => id === who && groups.includes('admins'))
  return isAdmin || !/^\/admin(\/|$)/.test(path)
}

/** CGI, WSGI and PHP make one name of spellings that differ in such characters. RFC 3875 §4.1.18 */
const folded = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '-')

function forged(target: Target, who: Who, arrived: readonly ReceivedRequest[]): string | undefined {
  const claims = new Map(
    Object.entries(target.identity).map(([name, claim]) => [folded(name), claim]),
  )
  const reserved = new Set(target.reserved.map(folded))
  for (const request of arrived) {
    const told = new Set<string>()
    for (const line of request.head.split('\r\n').slice(1)) {
      const name = line.slice(0, line.indexOf(':'))
      const value = line.slice(line.indexOf(':') + 1).trim()
      const claim = claims.get(folded(name))
      if (claim === undefined && !reserved.has(folded(name))) continue
      if (told.has(folded(name))) return `\`${name}\` arrived twice`
      told.add(folded(name))
      const isTrue = claim === undefined ? !value.includes('root') : isTrueOf(who, claim, value)
      if (!isTrue) return `\`${line.slice(0, 100)}\` arrived from ${who}`
    }
  }
  return undefined
}

/** What frames or routes a request may not stand behind it. RFC 9110 §6.5.1 */
const NO_TRAILERS = ['content-length', 'transfer-encoding', 'host', 'connection', 'authorization']

/** Some servers hand on headers and trailers alike; who asks is never said behind the body. */
function trailing(target: Target, arrived: readonly ReceivedRequest[]): string | undefined {
  const names = [...Object.keys(target.identity), ...target.reserved, ...NO_TRAILERS]
  const closed = new Set(names.map(folded))
  const lines = arrived.flatMap(({ trailers }) => trailers)
  const found = lines.find((line) => closed.has(folded(line.slice(0, line.indexOf(':')))))
  return found === undefined ? undefined : `\`${found}\` arrived as a trailer`
}

function isTrueOf(who: Who, claim: Claim, value: string): boolean {
  const person = PEOPLE.find(({ id }) => id === who)
  if (person === undefined) return value === ''
  switch (claim) {
    case 'sub':
      return value === person.sub
    case 'email':
      return value === person.email
    case 'preferred_username':
      return value === person.preferredUsername
    case 'groups':
      return value.split(',').every((name) => person.groups.join(',').split(',').includes(name))
    case 'name':
      // Line ends and other scripts are encoded by some, replaced by others.
      return !value.startsWith('root')
  }
}

/** For attempts that must not get through in any form. */
export const nothingArrives: Judge = ({ arrived }) =>
  arrived.length === 0 ? undefined : `\`${arrived[0]?.line}\` arrived`
