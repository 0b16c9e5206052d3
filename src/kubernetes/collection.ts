/**
 * Objects of one kind, kept as the API server has them: a list, then what changes. However a watch ends, it goes on where
 * it was; where that is too long ago, a new list says what has gone. (The client library's own informer asks for no
 * bookmarks, and ends for good with the first error that is not 410.)
 */

import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from '../support/log.ts'
import { ApiError, type ClusterApi, type Query, type WatchEvent } from './api.ts'
import { type ClusterObject, keyOf, listAt, textAt } from './objects.ts'

export interface Collection<T> {
  /** By `namespace/name`. */
  items(): ReadonlyMap<string, T>
  /** Resolves once a whole list has been read. */
  readonly synced: Promise<void>
  /** Resolves once it has been tried. */
  readonly tried: Promise<void>
  close(): void
}

export interface CollectionOptions<T> {
  readonly api: ClusterApi
  /** Such as `/apis/networking.k8s.io/v1/ingresses`. */
  readonly path: string
  readonly query?: Query
  readonly read: (raw: unknown) => T
  /** Called after each change, and after each list. */
  readonly onChange: () => void
  readonly log: Log
  /** Real time unless given; rejects once `signal` is aborted. */
  readonly rest?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

const PAGE = 500
/** So long a watch may last; servers end it then in good order. */
const WATCH_SECONDS = 300
const FIRST_PAUSE_MS = 100
const LAST_PAUSE_MS = 10_000
/** A watch that ends sooner, and without having said anything, is no progress. */
const SHORT_MS = 1_000

export function followCollection<T extends ClusterObject>(
  options: CollectionOptions<T>,
): Collection<T> {
  const { api, path, query = {}, read, onChange, log } = options
  const rest = options.rest ?? restInRealTime
  const closing = new AbortController()
  const synced = Promise.withResolvers<void>()
  const tried = Promise.withResolvers<void>()
  let items = new Map<string, T>()
  /** Empty: a list is needed. */
  let version = ''
  let failure: string | undefined

  const list = async (limit: number | undefined): Promise<void> => {
    const found = new Map<string, T>()
    let next: string | undefined
    let listed: string | undefined
    do {
      const page = await api.get(path, { ...query, limit, continue: next })
      for (const raw of listAt(page, ['items'])) {
        const item = read(raw)
        found.set(keyOf(item), item)
      }
      next = textAt(page, ['metadata', 'continue'])
      listed = textAt(page, ['metadata', 'resourceVersion'])
    } while (next !== undefined)
    items = found
    version = listed ?? ''
  }

  const answered = () => {
    if (failure !== undefined) log.info({ path }, 'the cluster answers again')
    failure = undefined
  }

  const relist = async (): Promise<void> => {
    await list(PAGE).catch((cause: unknown) => {
      // The rest of a list that is read in pages may be gone before it is asked for.
      if (isExpired(cause)) return list(undefined)
      throw cause
    })
    answered()
    synced.resolve()
    onChange()
  }

  /** Whether it has got anywhere. */
  const watch = async (): Promise<boolean> => {
    const ending = new AbortController()
    const begun = performance.now()
    let refusal: unknown
    let changes = 0
    const take = ({ type, object }: WatchEvent) => {
      if (type === 'ERROR') {
        refusal ??= statusError(object)
        return ending.abort()
      }
      answered()
      version = textAt(object, ['metadata', 'resourceVersion']) ?? version
      changes++
      if (type === 'BOOKMARK') return
      const item = read(object)
      if (type === 'DELETED') items.delete(keyOf(item))
      else items.set(keyOf(item), item)
      onChange()
    }
    const asked = {
      ...query,
      resourceVersion: version,
      allowWatchBookmarks: 'true',
      timeoutSeconds: Math.round(WATCH_SECONDS * (1 + Math.random())),
    }
    await api.watch(path, asked, take, AbortSignal.any([closing.signal, ending.signal]))
    if (refusal !== undefined) throw refusal
    return changes > 0 || performance.now() - begun > SHORT_MS
  }

  /** Lists where that is needed, and watches until the watch ends; whether it has got anywhere. */
  const goOn = async (): Promise<boolean> => {
    if (version === '') await relist()
    tried.resolve()
    const isProgress = await watch()
    answered()
    return isProgress
  }

  /** False: it is to be tried again, later. */
  const failed = (cause: unknown): false => {
    if (isExpired(cause)) version = ''
    else if (!closing.signal.aborted) failure = note(cause, failure)
    tried.resolve()
    return false
  }

  const follow = async (): Promise<void> => {
    let pause = 0
    while (!closing.signal.aborted) {
      const isProgress = await goOn().catch(failed)
      pause = isProgress ? 0 : longer(pause)
      if (pause > 0) await rest(pause * (0.5 + Math.random() / 2), closing.signal)
    }
  }

  /** Each failure is told once, not each time. */
  const note = (cause: unknown, known: string | undefined): string => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    if (reason !== known) {
      const status = cause instanceof ApiError ? cause.status : undefined
      log.warn({ path, status, reason }, whatToDo(status))
    }
    return reason
  }

  follow().catch((cause: unknown) => {
    if (!closing.signal.aborted) throw cause
  })
  return {
    items: () => items,
    synced: synced.promise,
    tried: tried.promise,
    close: () => closing.abort(),
  }
}

function whatToDo(status: number | undefined): string {
  if (status === 401) return 'the cluster does not know our credentials; it is asked again'
  if (status === 403) {
    return 'the cluster refuses this to our service account: give it the rights of docs/kubernetes-ingress.md; it is asked again'
  }
  return 'the cluster cannot be asked; what is known stays in force, and it is asked again'
}

function longer(pause: number): number {
  return Math.min(Math.max(2 * pause, FIRST_PAUSE_MS), LAST_PAUSE_MS)
}

/** 410 Gone: what we have is from too long ago. It comes as a status, or as an event of a watch. */
function isExpired(cause: unknown): boolean {
  return cause instanceof ApiError && cause.status === 410
}

function statusError(status: unknown): ApiError {
  const code = (status as { readonly code?: unknown } | null)?.code
  const message = textAt(status, ['message']) ?? 'the watch was ended with an error'
  return new ApiError(typeof code === 'number' ? code : 500, message)
}

async function restInRealTime(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal, ref: false })
}
