/**
 * What Redis does in one step, in Lua. All keys of a script have one hash tag, so that it runs on a cluster too. Redis
 * forgets by itself; `now` comes from the caller, whose clock says what is over until then.
 */

import type { ClientContext, Result } from 'ioredis'
import { TIME_DIGITS } from './redis-values.ts'

const END_OF = `
local function endOf(value)
  return value and tonumber(string.sub(value, 1, ${TIME_DIGITS})) or 0
end
`
const FIRST_LINE = `
local function lineEnd(value)
  return string.find(value, '\\n', 1, true)
end
`

/** The last field of the first line; what older releases wrote has none. */
const REVISION = `
local function revisionOf(value)
  return string.match(string.sub(value, 1, lineEnd(value) - 1), '^%S+ %S+ %S* (%S*)$') or ''
end
`

export const SCRIPTS = {
  /** KEYS session, parts; ARGV now, forgetAt, session, parts. 1, or 0 where there is one already. */
  gatehouseCreate: {
    numberOfKeys: 2,
    lua: `${END_OF}
      if endOf(redis.call('GET', KEYS[1])) > tonumber(ARGV[1]) then return 0 end
      for i = 1, 2 do
        redis.call('SET', KEYS[i], ARGV[i + 2])
        redis.call('PEXPIREAT', KEYS[i], ARGV[2])
      end
      return 1`,
  },
  /**
   * KEYS session, parts; ARGV now, forgetAt, end, card, revision. The first line from now on, or nil where there is no
   * session. Nothing changes where the revision is another.
   */
  gatehouseTouch: {
    numberOfKeys: 2,
    lua: `${END_OF}${FIRST_LINE}${REVISION}
      local old = redis.call('GET', KEYS[1])
      if endOf(old) <= tonumber(ARGV[1]) then return false end
      local stop = lineEnd(old)
      if revisionOf(old) ~= ARGV[5] then return string.sub(old, 1, stop - 1) end
      local length = tonumber(string.match(old, '^%d+ (%d+)'))
      local new = ARGV[3] .. string.sub(old, ${TIME_DIGITS + 1}, stop + length) .. ARGV[4]
      redis.call('SET', KEYS[1], new)
      for i = 1, 2 do redis.call('PEXPIREAT', KEYS[i], ARGV[2]) end
      return string.sub(new, 1, stop - 1)`,
  },
  /**
   * KEYS session, parts; ARGV now, revision, end, forgetAt, session, parts, channel, id. 2 and tells the channel; 1 where
   * the revision is another; 0 where there is no session. The later end stays.
   */
  gatehouseReplace: {
    numberOfKeys: 2,
    lua: `${END_OF}${FIRST_LINE}${REVISION}
      local old = redis.call('GET', KEYS[1])
      if endOf(old) <= tonumber(ARGV[1]) then return 0 end
      if revisionOf(old) ~= ARGV[2] then return 1 end
      local new, forgetAt = ARGV[5], tonumber(ARGV[4])
      if endOf(old) > tonumber(ARGV[3]) then
        new = string.sub(old, 1, ${TIME_DIGITS}) .. string.sub(new, ${TIME_DIGITS + 1})
        forgetAt = forgetAt + endOf(old) - tonumber(ARGV[3])
      end
      redis.call('SET', KEYS[1], new)
      redis.call('SET', KEYS[2], ARGV[6])
      for i = 1, 2 do redis.call('PEXPIREAT', KEYS[i], string.format('%.0f', forgetAt)) end
      redis.call('PUBLISH', ARGV[7], ARGV[8])
      return 2`,
  },
  /** KEYS session, parts; ARGV now, channel, id. The first line, or nil where there is no session. Tells the channel. */
  gatehouseDelete: {
    numberOfKeys: 2,
    lua: `${END_OF}${FIRST_LINE}
      local old = redis.call('GET', KEYS[1])
      redis.call('DEL', KEYS[1], KEYS[2])
      if endOf(old) <= tonumber(ARGV[1]) then return false end
      redis.call('PUBLISH', ARGV[2], ARGV[3])
      return string.sub(old, 1, lineEnd(old) - 1)`,
  },
  /** KEYS set; ARGV over, end, id, slack. Forgets entries that ended before `over`; the set itself ends with its last one. */
  gatehouseIndex: {
    numberOfKeys: 1,
    lua: `
      redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
      redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
      local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
      redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', tonumber(last) + tonumber(ARGV[4])))
      return 1`,
  },
  /** KEYS guard; ARGV now, forgetAt, end and value. 1, or 0 where the key is taken. */
  gatehousePutOnce: {
    numberOfKeys: 1,
    lua: `${END_OF}
      if endOf(redis.call('GET', KEYS[1])) > tonumber(ARGV[1]) then return 0 end
      redis.call('SET', KEYS[1], ARGV[3])
      redis.call('PEXPIREAT', KEYS[1], ARGV[2])
      return 1`,
  },
  /** KEYS guard; ARGV now. The value, or nil. */
  gatehouseTakeOnce: {
    numberOfKeys: 1,
    lua: `${END_OF}
      local held = redis.call('GET', KEYS[1])
      redis.call('DEL', KEYS[1])
      if endOf(held) <= tonumber(ARGV[1]) then return false end
      return string.sub(held, ${TIME_DIGITS + 1})`,
  },
  /** KEYS lock; ARGV owner, ms. 1, or 0 where it is not the owner's. */
  gatehouseRenewLock: {
    numberOfKeys: 1,
    lua: `
      if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
      return redis.call('PEXPIRE', KEYS[1], ARGV[2])`,
  },
  /** KEYS lock; ARGV owner. 1, or 0 where it is not the owner's. */
  gatehouseUnlock: {
    numberOfKeys: 1,
    lua: `
      if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
      return redis.call('DEL', KEYS[1])`,
  },
  /** KEYS kept; ARGV value. What is kept. */
  gatehouseKeep: {
    numberOfKeys: 1,
    lua: `
      redis.call('SETNX', KEYS[1], ARGV[1])
      return redis.call('GET', KEYS[1])`,
  },
} as const

type SessionKeys = [session: string, parts: string]

declare module 'ioredis' {
  interface RedisCommander<Context extends ClientContext> {
    gatehouseCreate(
      ...args: [...SessionKeys, now: number, forgetAt: number, session: Buffer, parts: Buffer]
    ): Result<number, Context>
    gatehouseTouch(
      ...args: [
        ...SessionKeys,
        now: number,
        forgetAt: number,
        end: string,
        card: Buffer,
        revision: string,
      ]
    ): Result<string | null, Context>
    gatehouseReplace(
      ...args: [
        ...SessionKeys,
        now: number,
        revision: string,
        end: number,
        forgetAt: number,
        session: Buffer,
        parts: Buffer,
        channel: string,
        id: string,
      ]
    ): Result<number, Context>
    gatehouseDelete(
      ...args: [...SessionKeys, now: number, channel: string, id: string]
    ): Result<string | null, Context>
    gatehouseIndex(
      ...args: [set: string, over: number, end: number, id: string, slackMs: number]
    ): Result<number, Context>
    gatehousePutOnce(
      ...args: [guard: string, now: number, forgetAt: number, value: Buffer]
    ): Result<number, Context>
    gatehouseTakeOnceBuffer(guard: string, now: number): Result<Buffer | null, Context>
    gatehouseRenewLock(lock: string, owner: string, ms: number): Result<number, Context>
    gatehouseUnlock(lock: string, owner: string): Result<number, Context>
    gatehouseKeepBuffer(key: string, value: Buffer): Result<Buffer, Context>
  }
}
