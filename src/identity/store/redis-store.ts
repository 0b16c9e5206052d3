/**
 * Sessions in Redis, for any number of replicas. What a sign-in or a sign-out has been answered for is on a replica of
 * Redis too, where there is one; what is over Redis forgets by itself.
 */

import type { RedisLocation } from '../../config/snapshot.ts'
import { GatehouseError } from '../../errors.ts'
import { type Every, every } from '../../support/every.ts'
import type { Log } from '../../support/log.ts'
import type { Clock, EpochMs } from '../../support/time.ts'
import { openRedisLink, type RedisClient, type RedisLink } from './redis-link.ts'
import { openNews } from './redis-news.ts'
import { createRecall, type Recall } from './redis-recall.ts'
import {
  ENDED_CHANNEL,
  endOf,
  firstLine,
  indexKey,
  keptKey,
  lockKey,
  MAX_HEAD_BYTES,
  markKey,
  onceKey,
  partsValue,
  REPLACED_CHANNEL,
  readCard,
  readHead,
  readSession,
  SHARD_KEYS,
  sessionKeys,
  sessionValue,
  setsOf,
  timeText,
} from './redis-values.ts'
import { createReplicaWait, type ReplicaWait } from './redis-wait.ts'
import type { Replacement, SessionStore } from './session-store.ts'

/** Redis keeps what is over for this long, so that its clock may be wrong by as much. Our own says what is over. */
const SLACK_MS = 60_000
/** How long a start waits for the first connection before it goes on without. */
const FIRST_CONNECTION_MS = 3_000
/** Ids looked at in one step, so that Redis keeps nobody waiting. */
const PAGE = 500

export interface RedisStoreOptions {
  readonly now: Clock
  readonly log: Log
  readonly every?: Every
}

/** Waits for Redis for a few seconds, and returns a store also where there is none: it answers once Redis does. */
export async function openRedisStore(
  location: RedisLocation,
  options: RedisStoreOptions,
): Promise<SessionStore> {
  const { now, log } = options
  const shared = { location, every: options.every ?? every }
  const link = openRedisLink({
    ...shared,
    onLost: (reason) => log.error({ reason }, 'the session store cannot be reached'),
    onBack: () => log.info({}, 'the session store can be reached again'),
    onDoubt: () => recall.again(),
  })
  // A connection of its own: while one waits for a replica, nothing else passes on it.
  const quiet = () => undefined
  const writer = openRedisLink({ ...shared, onLost: quiet, onBack: quiet, onDoubt: quiet })
  const news = openNews({ ...shared, channels: [ENDED_CHANNEL, REPLACED_CHANNEL] })
  const end = (id: string) =>
    link.ask(async (client) => (await endSession(client, id, now())) !== undefined)
  const recall = createRecall({ now, log, end })
  news.listen(ENDED_CHANNEL, recall.note)
  const parts = { link, writer, now, recall, waitForReplica: createReplicaWait({ now, log }) }
  let closed = false
  await Promise.all([link.ready(FIRST_CONNECTION_MS), writer.ready(FIRST_CONNECTION_MS)])
  return {
    ...storedSessions(parts),
    ...searches(parts),
    ...storedValues(parts),
    ...locks(parts),
    onDeleted: (listener) => news.listen(ENDED_CHANNEL, listener),
    onReplaced: (listener) => news.listen(REPLACED_CHANNEL, listener),
    close: async () => {
      if (closed) return
      closed = true
      for (const part of [recall, news, writer, link]) part.close()
    },
  }
}

interface Parts {
  /** For what is asked all the time. */
  readonly link: RedisLink
  /** For what must not be lost. */
  readonly writer: RedisLink
  readonly now: Clock
  readonly recall: Recall
  readonly waitForReplica: ReplicaWait
}

function storedSessions({ link, writer, now, recall, waitForReplica }: Parts) {
  const index = (client: RedisClient, id: string, indexKeys: readonly string[], end: EpochMs) => {
    // What is over here may not be over yet by the clock of another replica.
    const over = now() - SLACK_MS
    return Promise.all(
      setsOf(id, indexKeys).map((set) => client.gatehouseIndex(set, over, end, id, SLACK_MS)),
    )
  }
  return {
    create: (session) =>
      writer.ask(async (client) => {
        const { id, indexKeys, expiresAt } = session
        const keys = sessionKeys(id)
        const values = [sessionValue(session), partsValue(session)] as const
        // Entries first: an entry without a session is nothing, a session without its entries could not be revoked.
        await index(client, id, indexKeys, expiresAt)
        const made = await client.gatehouseCreate(...keys, now(), expiresAt + SLACK_MS, ...values)
        if (made !== 1) {
          throw new GatehouseError('STORE_UNAVAILABLE', 'a session of this id exists already')
        }
        await waitForReplica(client, keys[0])
      }),
    read: (id) =>
      link.ask(async (client) => {
        const [value, parts] = await client.mgetBuffer(...sessionKeys(id))
        if (!value || !parts || endOf(value) <= now()) return undefined
        return readSession(id, value, parts)
      }),
    revision: (id) => link.ask((client) => revisionOf(client, id, now())),
    touch: ({ id, revision: expected }, card, expiresAt) =>
      link.ask(async (client) => {
        const times = [now(), expiresAt + SLACK_MS, timeText(expiresAt)] as const
        const head = await client.gatehouseTouch(
          ...sessionKeys(id),
          ...times,
          bytes(card),
          expected,
        )
        if (head === null) return undefined
        const { indexKeys, revision } = readHead(head)
        if (revision === expected) await index(client, id, indexKeys, expiresAt)
        return revision
      }),
    replace: (next, previous) =>
      writer.ask(async (client) => {
        const { id, indexKeys, expiresAt } = next
        const keys = sessionKeys(id)
        await index(client, id, indexKeys, expiresAt)
        const done = await client.gatehouseReplace(
          ...([...keys, now(), previous.revision, expiresAt, expiresAt + SLACK_MS] as const),
          ...([sessionValue(next), partsValue(next), REPLACED_CHANNEL, id] as const),
        )
        const result = REPLACEMENTS[done] ?? 'gone'
        if (result === 'gone') await dropEntries(client, id, indexKeys)
        if (result !== 'replaced') return result
        const dropped = previous.indexKeys.filter((key) => !indexKeys.includes(key))
        // One that stays behind finds a session of the same person, and ends by itself.
        await Promise.allSettled(dropped.map((key) => client.zrem(indexKey(key), id)))
        await waitForReplica(client, keys[0])
        return result
      }),
    delete: (id) =>
      writer.ask(async (client) => {
        const key = await endSession(client, id, now())
        if (key === undefined) return false
        recall.note(id)
        await waitForReplica(client, key)
        return true
      }),
  } satisfies Partial<SessionStore>
}

function searches({ link, now }: Parts) {
  return {
    findByIndex: (key) =>
      link.ask(async (client) => {
        const ids = await client.zrange(indexKey(key), 0, '-1')
        const there = await Promise.all(ids.map((id) => revisionOf(client, id, now())))
        return ids.filter((_, at) => there[at] !== undefined)
      }),
    list: async function* () {
      for (const set of SHARD_KEYS) {
        let cursor = '0'
        // A set that changes while it is walked may tell of an entry twice.
        const seen = new Set<string>()
        do {
          const page = await link.ask((client) => listPage(client, set, cursor, seen))
          cursor = page.cursor
          yield* page.sessions.filter(({ expiresAt }) => expiresAt > now())
        } while (cursor !== '0')
      }
    },
    count: () =>
      link.ask(async (client) => {
        const after = `(${now()}`
        const counts = await Promise.all(SHARD_KEYS.map((set) => client.zcount(set, after, '+inf')))
        return counts.reduce((sum, count) => sum + count, 0)
      }),
  } satisfies Partial<SessionStore>
}

function storedValues({ link, writer, now, waitForReplica }: Parts) {
  return {
    putOnce: (key, value, expiresAt) =>
      link.ask(async (client) => {
        const held = Buffer.concat([Buffer.from(timeText(expiresAt)), value])
        const put = await client.gatehousePutOnce(onceKey(key), now(), expiresAt + SLACK_MS, held)
        return put === 1
      }),
    takeOnce: (key) =>
      link.ask(
        async (client) => (await client.gatehouseTakeOnceBuffer(onceKey(key), now())) ?? undefined,
      ),
    mark: (key, value, expiresAt) =>
      writer.ask(async (client) => {
        const held = Buffer.concat([Buffer.from(timeText(expiresAt)), value])
        await client.set(markKey(key), held, 'PXAT', expiresAt + SLACK_MS)
        await waitForReplica(client, markKey(key))
      }),
    marked: (key) =>
      link.ask(async (client) => {
        const held = await client.getBuffer(markKey(key))
        if (held === null || endOf(held) <= now()) return undefined
        return held.subarray(timeText(0).length)
      }),
    keep: (key, value) =>
      writer.ask(async (client) => {
        const kept = await client.gatehouseKeepBuffer(keptKey(key), bytes(value))
        await waitForReplica(client, keptKey(key))
        return kept
      }),
  } satisfies Partial<SessionStore>
}

function locks({ link }: Parts) {
  return {
    lock: (name, owner, ms) =>
      link.ask(async (client) => {
        return (await client.set(lockKey(name), owner, 'PX', Math.ceil(ms), 'NX')) === 'OK'
      }),
    renewLock: (name, owner, ms) =>
      link.ask(async (client) => {
        return (await client.gatehouseRenewLock(lockKey(name), owner, Math.ceil(ms))) === 1
      }),
    unlock: (name, owner) =>
      link.ask(async (client) => void (await client.gatehouseUnlock(lockKey(name), owner))),
  } satisfies Partial<SessionStore>
}

/** By what the script answers. */
const REPLACEMENTS: readonly Replacement[] = ['gone', 'changed', 'replaced']

/** The key that the session had; `undefined` where there is none. */
async function endSession(
  client: RedisClient,
  id: string,
  time: EpochMs,
): Promise<string | undefined> {
  const keys = sessionKeys(id)
  const head = await client.gatehouseDelete(...keys, time, ENDED_CHANNEL, id)
  if (head === null) return undefined
  await dropEntries(client, id, readHead(head).indexKeys)
  return keys[0]
}

/** Of a session that is gone. Those that stay behind are nothing, and end by themselves. */
async function dropEntries(
  client: RedisClient,
  id: string,
  indexKeys: readonly string[],
): Promise<void> {
  await Promise.allSettled(setsOf(id, indexKeys).map((set) => client.zrem(set, id)))
}

async function revisionOf(
  client: RedisClient,
  id: string,
  time: EpochMs,
): Promise<string | undefined> {
  const start = await client.getrange(sessionKeys(id)[0], 0, MAX_HEAD_BYTES - 1)
  return endOf(start) > time ? readHead(firstLine(start)).revision : undefined
}

async function listPage(client: RedisClient, set: string, cursor: string, seen: Set<string>) {
  const [next, entries] = await client.zscan(set, cursor, 'COUNT', PAGE)
  // Members and their scores by turns.
  const ids = entries.filter((id, at) => at % 2 === 0 && !seen.has(id))
  const values = await Promise.all(ids.map((id) => client.getBuffer(sessionKeys(id)[0])))
  const sessions = values.flatMap((value, at) => {
    const id = ids[at] as string
    seen.add(id)
    return value ? [readCard(id, value)] : []
  })
  return { cursor: next, sessions }
}

/** ioredis takes Buffers for bytes, and would print any other array. */
function bytes(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.length)
}
