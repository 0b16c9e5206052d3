/** How a session lies in Redis: names of keys, and bytes of values. Pure. Few keys and few bytes: there may be a million. */

import type { EpochMs } from '../../support/time.ts'
import type { StoredSession } from './session-store.ts'

/** Digits of a time in milliseconds, from 2001 to 2286. Every value that ends begins with its end. */
export const TIME_DIGITS = 13

/** One tag for all keys of a session: a cluster keeps them on one node. */
export const sessionKeys = (id: string) =>
  [`gatehouse:session:{${id}}`, `gatehouse:parts:{${id}}`] as const
export const indexKey = (key: string) => `gatehouse:index:${key}`
export const markKey = (key: string) => `gatehouse:mark:${key}`
export const onceKey = (key: string) => `gatehouse:once:${key}`
export const keptKey = (key: string) => `gatehouse:kept:${key}`

export const lockKey = (name: string) => `gatehouse:lock:${name}`

/** Told of the id of each session that is deleted. */
export const ENDED_CHANNEL = 'gatehouse:ended'
/** Told of the id of each session that is replaced. */
export const REPLACED_CHANNEL = 'gatehouse:replaced'

const FIRST_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const shardKey = (character: string) => `gatehouse:all:${character}`
/** Sorted sets of all ids by their end, one for each first character of an id, so that no node of a cluster holds all. */
export const SHARD_KEYS: readonly string[] = [...FIRST_CHARACTERS].map(shardKey)

/** Every sorted set that a session stands in, by its end: those by which it is found, and that of all sessions. */
export function setsOf(id: string, indexKeys: readonly string[]): readonly string[] {
  return [shardKey(id.slice(0, 1)), ...indexKeys.map(indexKey)]
}

export function timeText(time: EpochMs): string {
  return String(Math.round(time)).padStart(TIME_DIGITS, '0')
}

/** The end with which a value begins; 0 where there is none. */
export function endOf(value: string | Buffer): EpochMs {
  return Number(value.toString('latin1').slice(0, TIME_DIGITS))
}

/** The first line of a session: its end, how long its record is, its index keys, and its revision. */
export interface Head {
  readonly expiresAt: EpochMs
  readonly recordLength: number
  readonly indexKeys: readonly string[]
  readonly revision: string
}

/** No first line is longer: three index keys of 43 characters, and three short fields. */
export const MAX_HEAD_BYTES = 256

/** First line, record, card: what changes with every use, and what every look needs. */
export function sessionValue(session: StoredSession): Buffer {
  const { expiresAt, record, indexKeys, revision, card } = session
  const head = `${timeText(expiresAt)} ${record.length} ${indexKeys.join(',')} ${revision}\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), record, card])
}

/** Groups and tokens, which seldom change and may be long. */
export function partsValue({ groups, tokens }: StoredSession): Buffer {
  return Buffer.concat([Buffer.from(`${groups.length}\n`, 'latin1'), groups, tokens])
}

/** @param line the first line of a session, without its end */
export function readHead(line: string): Head {
  // Before sessions were replaced there was no revision.
  const [end, length, keys = '', revision = ''] = line.split(' ')
  return {
    expiresAt: Number(end),
    recordLength: Number(length),
    indexKeys: keys === '' ? [] : keys.split(','),
    revision,
  }
}

/** The first line of what begins with one. */
export function firstLine(text: string): string {
  const at = text.indexOf('\n')
  return at === -1 ? text : text.slice(0, at)
}

/** What `list` shows of a session. */
export function readCard(id: string, value: Buffer) {
  const { head, body } = split(value)
  const { expiresAt, recordLength } = readHead(head)
  return { id, card: body.subarray(recordLength), expiresAt }
}

export function readSession(id: string, value: Buffer, parts: Buffer): StoredSession {
  const { head, body } = split(value)
  const { recordLength, ...rest } = readHead(head)
  const { head: groupsLength, body: content } = split(parts)
  return {
    id,
    ...rest,
    record: body.subarray(0, recordLength),
    card: body.subarray(recordLength),
    groups: content.subarray(0, Number(groupsLength)),
    tokens: content.subarray(Number(groupsLength)),
  }
}

const NEW_LINE = 10

function split(value: Buffer) {
  const at = value.indexOf(NEW_LINE)
  return { head: value.toString('latin1', 0, at), body: value.subarray(at + 1) }
}
