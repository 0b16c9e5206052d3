/**
 * The differential fuzzer. Nobody is signed in, so that whatever reaches the upstream must have been judged as public:
 * each request that arrives is held against the line of the decision log with its id.
 */

import { connect } from 'node:net'
import type { ReceivedRequest } from '../byte-upstream.ts'
import { block, END_HEADERS, END_STREAM, type Field, frame, frames, HEADERS } from '../h2-frames.ts'
import type { GatehouseTarget } from '../start-target.ts'
import { makeBytes, makeParts, mutate, type Random, randomFrom } from './mutations.ts'

const AT_ONCE = 16
/** A connection that is still open then is given up; what it asked for is judged all the same. */
const GIVE_UP_MS = 500

/** Sends `count` requests made from `seed`; returns what is wrong, each with what shows it. */
export async function fuzz(
  target: GatehouseTarget,
  seed: number,
  count: number,
): Promise<string[]> {
  const random = randomFrom(seed)
  target.upstream.forget()
  for (let sent = 0; sent < count; sent += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - sent) }, () =>
      random() < 0.75 ? overHttp1(target.port, makeBytes(random)) : overHttp2(target.port, random),
    )
    await Promise.all(batch)
  }
  const lines = await linesOf(target)
  const wrong = target.upstream.requests.flatMap((request) => wrongWith(request, lines))
  const problems = target.upstream.problems.map(
    (problem) => `the upstream could not read: ${problem}`,
  )
  return [...wrong, ...problems].map((text) => `seed ${seed}: ${text}`)
}

function overHttp1(port: number, bytes: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const giveUp = setTimeout(() => socket.destroy(), GIVE_UP_MS)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(giveUp)
      resolve()
    })
    socket.resume()
    socket.end(Buffer.from(bytes, 'latin1'))
  })
}

async function overHttp2(port: number, random: Random): Promise<void> {
  const { method, path, host, lines } = makeParts(random)
  const others = lines.map((line): Field => {
    const [name = '', value = ''] = line.split(': ')
    return [name.toLowerCase(), value]
  })
  const fields: Field[] = [
    [':method', method],
    [':scheme', 'http'],
    [':path', path],
    [':authority', host],
    ...others,
  ]
  const changed = fields.map(([name, value]): Field => {
    if (random() < 0.1) return [mutate(random, name), value]
    return random() < 0.1 ? [name, mutate(random, value)] : [name, value]
  })
  const connection = frames(port)
  const giveUp = setTimeout(() => connection.socket.destroy(), GIVE_UP_MS)
  connection.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block(changed)))
  await connection.outcome(1)
  clearTimeout(giveUp)
  connection.socket.destroy()
}

type Line = Readonly<Record<string, unknown>>

/** The log by request id, once there is a line for each request that has arrived. */
async function linesOf({
  gateway,
  upstream,
}: GatehouseTarget): Promise<ReadonlyMap<unknown, Line>> {
  const deadline = Date.now() + 5_000
  for (;;) {
    const lines = new Map(gateway.decisions().map((line) => [line['request_id'], line]))
    const isThere = upstream.requests.every((request) => lines.has(idOf(request)))
    if (isThere || Date.now() > deadline) return lines
    // The log is written a tenth of a second later; nothing tells when.
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function idOf(request: ReceivedRequest): string | undefined {
  return request.header('x-request-id')[0]
}

/** As a CGI or PHP upstream would know a header: no letters of either case, and one sign for `-`, `_` and `.`. */
const plain = (name: string) => name.toLowerCase().replace(/[_.]/g, '-')
const IDENTITY =
  /^(x-forwarded-(user|email|groups|preferred-username|access-token)|remote-(user|email|groups|name)|x-(gatehouse|pomerium|auth-request)-.*)$/

function wrongWith(request: ReceivedRequest, lines: ReadonlyMap<unknown, Line>): string[] {
  const wrong: string[] = []
  const line = lines.get(idOf(request))
  const shown = JSON.stringify(request.head)
  if (line === undefined) return [`nobody judged what arrived: ${shown}`]
  const [path = ''] = request.target.split('?')
  if (line['outcome'] !== 'allow') wrong.push(`refused and sent: ${shown}`)
  if (line['path'] !== path) wrong.push(`judged ${JSON.stringify(line['path'])}, sent ${shown}`)
  if (line['method'] !== request.method) wrong.push(`judged as ${line['method']}: ${shown}`)
  const [host = ''] = (request.header('x-forwarded-host')[0] ?? '').split(':')
  if (line['host'] !== host) wrong.push(`judged for ${line['host']}: ${shown}`)
  if (!isPublic(path)) wrong.push(`no public path, by some reading: ${shown}`)
  const trailers = request.trailers.map((line) => line.slice(0, line.indexOf(':')))
  const identity = [...request.names, ...trailers].filter((name) => IDENTITY.test(plain(name)))
  if (identity.length > 0) wrong.push(`${identity.join()} arrived: ${shown}`)
  return wrong
}

/**
 * By all readings that an upstream may have of it: as it is, by a browser's URL parser, decoded once, with `\` for `/`.
 * What has been decoded is decoded no more: there a percent sign is itself.
 */
function isPublic(path: string): boolean {
  const decoded = decoded1(path).replaceAll('%', '%25')
  const readings = [
    path,
    new URL(path, 'http://a').pathname,
    decoded,
    decoded.replaceAll('\\', '/').replace(/;[^/]*/g, ''),
  ]
  return readings.every((reading) =>
    // The URL parser resolves dot segments, `%2e` among them.
    /^\/public(\/|$)/.test(new URL(`http://a${reading.replace(/[?#]/g, '_')}`).pathname),
  )
}

function decoded1(path: string): string {
  return path.replace(/(%[0-9a-f]{2})+/gi, (bytes) =>
    Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('utf8'),
  )
}
