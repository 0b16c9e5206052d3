/** Sessions in numbers: bytes of each in Redis and in a gateway's cache, sign-in and look-up with few and with many. */

import { setTimeout as wait } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Redis } from 'ioredis'
import { readStoreUrl } from '../../../src/config/store-url.ts'
import { createSessions } from '../../../src/identity/live-sessions.ts'
import type { SignedIn } from '../../../src/identity/provider/provider.ts'
import type { Sessions } from '../../../src/identity/sessions.ts'
import { openStore } from '../../../src/identity/store/open-store.ts'
import { sessionKeys } from '../../../src/identity/store/redis-values.ts'
import type { SessionStore } from '../../../src/identity/store/session-store.ts'
import { freePort } from '../../support/free-port.ts'
import type { Bench, BenchPart } from '../part.ts'
import { OTHER_CORE, startPinned } from '../processes.ts'

const HOST = 'app.example.com'
const REAL = 1_000
/** In one step of the script, so that Redis answers in between. */
const FILL_AT_ONCE = 500

export const part: BenchPart = {
  about:
    'sessions in Redis: bytes each, sign-in and look-up with 1,000 and with 1,000,000; in the cache',
  run: async (bench) => {
    const many = Number(bench.settings.get('many') ?? 1_000_000)
    const port = await freePort()
    const command = ['redis-server', '--port', String(port), '--save', '', '--appendonly', 'no']
    const server = await startPinned(OTHER_CORE, [...command, '--dir', bench.folder], (output) =>
      output.includes('Ready to accept'),
    )
    bench.defer(server.stop)
    const redis = new Redis(port, '127.0.0.1')
    bench.defer(() => redis.disconnect())
    const store = await openRedis(bench, port)
    const sessions = open(bench, store)
    await sessions.create(person(-1), CONTEXT)
    const empty = await usedBytes(redis)

    bench.print(
      '| sessions in Redis | bytes each | sign-in | opening | still there? | cached, KB each |',
    )
    bench.print('|---|---|---|---|---|---|')
    const few = await measure(bench, store)
    bench.print(`| ${REAL} | ${((await usedBytes(redis)) - empty) / REAL} | ${few} |`)
    await fill(bench, redis, many - REAL)
    const each = ((await usedBytes(redis)) - empty) / many
    bench.print(`| ${many} | ${each.toFixed(0)} | ${await measure(bench, store)} |`)
  },
}

const CONTEXT = {
  provider: 'okta',
  method: 'oidc',
  address: '192.0.2.10',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  stepUp: false,
} as const

/** With usual claims, and without tokens and groups, whose size is the provider's choice. */
function person(i: number): SignedIn {
  return {
    sub: `00u1bench${i}`,
    email: `person.${i}@example.com`,
    name: 'Ana Example',
    claims: { preferred_username: `person.${i}`, department: 'Platform', locale: 'en-US' },
    groups: { list: [], complete: true },
    acr: undefined,
    amr: ['pwd', 'mfa'],
    authTime: Date.now(),
    sid: `102sid${i}`,
    tokens: {
      idToken: '',
      accessToken: undefined,
      refreshToken: undefined,
      accessTokenExpiresAt: undefined,
    },
  }
}

const quiet = () => undefined
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }

async function openRedis(bench: Bench, port: number): Promise<SessionStore> {
  const location = readStoreUrl(`redis://127.0.0.1:${port}`, '/')
  const store = await openStore(location, { now: Date.now, log })
  bench.defer(() => store.close())
  return store
}

const SECRETS = [Buffer.alloc(32, 7)]

function open(bench: Bench, store: SessionStore): Sessions {
  const sessions = createSessions({
    store,
    now: Date.now,
    secrets: () => SECRETS,
    lifetimes: () => ({ lifetimeMs: 14 * 3_600_000, idleMs: 3_600_000 }),
    log,
  })
  bench.defer(() => sessions.close())
  return sessions
}

let people = 0

/** Medians over a thousand new sessions; and what the cache of a process takes for one. */
async function measure(bench: Bench, store: SessionStore): Promise<string> {
  bench.progress('sign-ins')
  const made: { readonly id: string; readonly cookie: string }[] = []
  const maker = open(bench, store)
  const signIn = await timed(REAL, async () => {
    const session = await maker.create(person(people++), CONTEXT)
    made.push({ id: session.id, cookie: maker.cookieFor(session, HOST).value })
  })
  bench.progress('look-ups')
  const look = await timed(REAL, (i) => store.revision(made[i]?.id ?? ''))
  const other = open(bench, store)
  await collectGarbage()
  const before = process.memoryUsage()
  const opening = await timed(REAL, (i) => Promise.resolve(other.open(made[i]?.cookie ?? '', HOST)))
  await collectGarbage()
  const after = process.memoryUsage()
  const grown = after.heapUsed + after.arrayBuffers - (before.heapUsed + before.arrayBuffers)
  return [ms(signIn), ms(opening), ms(look), (grown / REAL / 1_000).toFixed(2)].join(' | ')
}

/** Median time of one call, in milliseconds. */
async function timed(times: number, act: (i: number) => Promise<unknown>): Promise<number> {
  const took: number[] = []
  for (let i = 0; i < times; i++) {
    const start = performance.now()
    await act(i)
    took.push(performance.now() - start)
  }
  return took.sort((a, b) => a - b)[times / 2] ?? Number.NaN
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`
}

/** Copies of one session under names of their own, each of a person of its own, made by Redis itself. */
const FILL = `
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  local id = string.char(65 + i % 26) .. redis.sha1hex('session' .. i) .. 'xy'
  redis.call('SET', 'gatehouse:session:{' .. id .. '}', ARGV[4], 'PXAT', ARGV[3])
  redis.call('SET', 'gatehouse:parts:{' .. id .. '}', ARGV[5], 'PXAT', ARGV[3])
  redis.call('ZADD', 'gatehouse:all:' .. string.sub(id, 1, 1), ARGV[3], id)
  for at = 1, 3 do
    local key = 'gatehouse:index:' .. redis.sha1hex(at .. 'index' .. i) .. 'xyz'
    redis.call('ZADD', key, ARGV[3], id)
    redis.call('PEXPIREAT', key, ARGV[3])
  end
end`

async function fill(bench: Bench, redis: Redis, count: number): Promise<void> {
  const key = (await redis.keys('gatehouse:session:*'))[0] ?? ''
  const [session, parts] = await redis.mgetBuffer(...sessionKeys(/\{(.*)\}/.exec(key)?.[1] ?? ''))
  if (!session || !parts) throw new Error('there is no session to copy')
  const end = Date.now() + 14 * 3_600_000
  for (let from = 0; from < count; from += FILL_AT_ONCE) {
    bench.progress(`${from} sessions`)
    const to = Math.min(from + FILL_AT_ONCE, count) - 1
    await redis.eval(FILL, 0, from, to, end, session, parts)
  }
}

async function usedBytes(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
}

/** More than once: what buffers had is given back a moment after a collection, by another thread. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) {
    collect()
    await wait(50)
  }
}
