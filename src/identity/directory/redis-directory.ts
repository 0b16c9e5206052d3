/**
 * Answers of directories in Redis, for all replicas: sealed, under keys that tell nobody's name, and gone by themselves. What
 * Redis cannot do is done without it: each replica then asks for itself.
 */

import { createHmac } from 'node:crypto'
import type { RedisLocation } from '../../config/snapshot.ts'
import { allGroups, UNKNOWN_GROUPS } from '../../policy/groups.ts'
import type { Group } from '../../policy/model.ts'
import { type Every, every } from '../../support/every.ts'
import type { Clock } from '../../support/time.ts'
import { compact, expand } from '../compact.ts'
import type { SharedCounter } from '../rate-limits.ts'
import { createSealer, deriveKey, type Sealer } from '../seal.ts'
import { openRedisLink, type RedisLink } from '../store/redis-link.ts'
import { type News, openNews } from '../store/redis-news.ts'
import type { DirectoryAnswer } from './directory.ts'
import type { SharedAnswers } from './directory-cache.ts'
import type { SharedDirectory } from './directory-shared.ts'

export interface RedisDirectoryOptions {
  /** Decoded `session.secret`: the first seals. */
  readonly secrets: () => readonly Uint8Array[]
  readonly counter: SharedCounter
  readonly now: Clock
  readonly every?: Every
}

const CHANNEL = 'gatehouse:directory'
const KEY_PREFIX = 'gatehouse:directory:'
const PURPOSE = 'directory'

interface Shared {
  readonly link: RedisLink
  readonly news: News
  readonly seals: () => { readonly sealer: Sealer; readonly key: Buffer }
}

export function openRedisDirectory(
  location: RedisLocation,
  options: RedisDirectoryOptions,
): SharedDirectory {
  // The store's connection to the same place tells the log when it is lost.
  const quiet = () => undefined
  const repeat = options.every ?? every
  const link = openRedisLink({
    ...{ location, every: repeat },
    ...{ onLost: quiet, onBack: quiet, onDoubt: quiet },
  })
  const news = openNews({ location, every: repeat, channels: [CHANNEL] })
  const shared = { link, news, seals: sealsOf(options.secrets) }
  return {
    answersOf: (provider) => answersOf(provider, shared),
    count: async (window, seconds) => (await options.counter.count(window, seconds)).count,
    close: () => {
      news.close()
      link.close()
      options.counter.close()
    },
  }
}

function answersOf(provider: string, { link, news, seals }: Shared): SharedAnswers {
  const nameOf = (sub: string) => `${provider.length}:${provider}${sub}`
  const keyOf = (sub: string) =>
    KEY_PREFIX + createHmac('sha256', seals().key).update(nameOf(sub)).digest('base64url')
  const quietly = async <T>(question: Parameters<RedisLink['ask']>[0]): Promise<T | undefined> => {
    try {
      return (await link.ask(question)) as T
    } catch {
      return undefined
    }
  }
  return {
    read: async (sub) => {
      const sealed = await quietly<Buffer | null>((client) => client.getBuffer(keyOf(sub)))
      const plain = sealed ? seals().sealer.openBytes(sealed, nameOf(sub)) : undefined
      return plain === undefined ? undefined : answerFrom(expand(plain))
    },
    write: async (sub, answer, keptMs) => {
      const sealed = seals().sealer.sealBytes(compact(storedForm(answer)), nameOf(sub))
      await quietly((client) => client.set(keyOf(sub), sealed, 'PX', Math.ceil(keptMs)))
    },
    forget: async (sub) => {
      const said = seals().sealer.seal(JSON.stringify({ provider, sub }), CHANNEL)
      await quietly(async (client) => {
        if (sub !== undefined) await client.del(keyOf(sub))
        await client.publish(CHANNEL, said)
      })
    },
    listen: (listener) =>
      news.listen(CHANNEL, (said) => {
        const plain = seals().sealer.open(said, CHANNEL)
        if (plain === undefined) return
        const heard = JSON.parse(plain.toString()) as { provider: string; sub?: string }
        if (heard.provider === provider) listener(heard.sub)
      }),
  }
}

/** Made once for a set of secrets, which is the same array from one reload to the next. */
function sealsOf(secrets: () => readonly Uint8Array[]) {
  let made: { secrets: readonly Uint8Array[]; sealer: Sealer; key: Buffer } | undefined
  return () => {
    const present = secrets()
    if (made?.secrets !== present) {
      const [first = new Uint8Array()] = present
      made = {
        secrets: present,
        sealer: createSealer(present, PURPOSE),
        key: deriveKey(first, 'directory-index'),
      }
    }
    return made
  }
}

interface Stored {
  readonly askedAt: number
  /** Ids and names in turn; undefined: too many to be known. */
  readonly groups?: readonly string[]
}

function storedForm({ askedAt, groups }: DirectoryAnswer): Stored {
  if (!groups.complete) return { askedAt }
  return { askedAt, groups: groups.list.flatMap(({ id = '', name = '' }) => [id, name]) }
}

function answerFrom(stored: unknown): DirectoryAnswer {
  const { askedAt, groups } = stored as Stored
  if (groups === undefined) return { askedAt, groups: UNKNOWN_GROUPS, standing: 'good' }
  const list: Group[] = []
  for (let at = 0; at < groups.length; at += 2) {
    list.push({ id: groups[at] ?? '', name: groups[at + 1] ?? '' })
  }
  return { askedAt, groups: allGroups(list), standing: 'good' }
}
