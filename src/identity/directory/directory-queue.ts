/**
 * Questions to a directory, one for each person at a time: those that somebody waits for go first, few at once, no more than
 * the rate limit admits, and after an outage one alone until it is answered.
 */

import type { Every } from '../../support/every.ts'
import type { Clock, EpochMs } from '../../support/time.ts'
import { DirectoryFailure } from './directory.ts'

export interface DirectoryQueueOptions<T> {
  readonly ask: (sub: string) => Promise<T>
  readonly mayAsk: () => boolean
  readonly now: Clock
  readonly every: Every
  /** From 0 to 1; for tests. */
  readonly random?: () => number
}

export interface DirectoryQueue<T> {
  /** The answer for `sub`; the same promise for all who ask meanwhile. Rejects with DirectoryFailure. */
  ask(sub: string, urgent: boolean): Promise<T>
  /** Whether a question that is asked now would be put at once. */
  isOpen(): boolean
  close(): void
}

interface Task<T> {
  urgent: boolean
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

/** Okta admits 35 to 75 calls at once for a whole organisation. */
const AT_ONCE = 8
const TICK_MS = 100
const FIRST_PAUSE_MS = 1_000
const LAST_PAUSE_MS = 60_000

export function createDirectoryQueue<T>(options: DirectoryQueueOptions<T>): DirectoryQueue<T> {
  const { now, random = Math.random } = options
  const waiting = { urgent: new Map<string, Task<T>>(), later: new Map<string, Task<T>>() }
  const running = new Map<string, Task<T>>()
  let failures = 0
  let pausedUntil: EpochMs = 0
  let closed = false

  const isPaused = () => {
    // Longer than any pause: the clock was set back.
    if (pausedUntil - now() > LAST_PAUSE_MS) pausedUntil = 0
    return now() < pausedUntil
  }
  /** One alone after an outage, until it is answered. */
  const room = () => (failures === 0 ? AT_ONCE : 1) - running.size

  const next = (): [string, Task<T>] | undefined => {
    const { urgent, later } = waiting
    const queue = urgent.size > 0 ? urgent : later
    const [first] = queue
    if (first !== undefined) queue.delete(first[0])
    return first
  }

  const run = async (sub: string, task: Task<T>): Promise<void> => {
    running.set(sub, task)
    try {
      const value = await options.ask(sub)
      failures = 0
      task.resolve(value)
    } catch (error) {
      if (error instanceof DirectoryFailure && error.kind === 'rate-limited') {
        // Its turn comes in the next window, which `mayAsk` knows.
        waiting[task.urgent ? 'urgent' : 'later'].set(sub, task)
      } else {
        pauseAfterFailure()
        task.reject(error)
      }
    }
    running.delete(sub)
    pump()
  }

  const pauseAfterFailure = (): void => {
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures, LAST_PAUSE_MS)
    failures++
    // Replicas must not come back all at once.
    pausedUntil = now() + pause * (0.5 + random() / 2)
    rejectWaiting(new DirectoryFailure('unavailable', 'the directory has failed just now'))
  }

  /** Nobody waits for a directory that is not asked; and what has piled up must not come over it afterwards. */
  const rejectWaiting = (why: DirectoryFailure): void => {
    for (const tasks of [waiting.urgent, waiting.later]) {
      const left = [...tasks.values()]
      tasks.clear()
      for (const { reject } of left) reject(why)
    }
  }

  const pump = (): void => {
    while (!closed && !isPaused() && room() > 0 && options.mayAsk()) {
      const entry = next()
      if (entry === undefined) return
      void run(...entry)
    }
  }

  const find = (sub: string): Task<T> | undefined =>
    running.get(sub) ?? waiting.urgent.get(sub) ?? waiting.later.get(sub)

  const stop = options.every(TICK_MS, pump)

  return {
    ask: (sub, urgent) => {
      const known = find(sub)
      if (known !== undefined) {
        if (urgent) known.urgent = true
        if (urgent && waiting.later.delete(sub)) waiting.urgent.set(sub, known)
        return known.promise
      }
      if (isPaused()) {
        const left = Math.ceil((pausedUntil - now()) / 1_000)
        const detail = `the directory has failed, and is asked again in ${left} s`
        return Promise.reject(new DirectoryFailure('unavailable', detail))
      }
      const task: Task<T> = { urgent, ...Promise.withResolvers<T>() }
      waiting[urgent ? 'urgent' : 'later'].set(sub, task)
      pump()
      return task.promise
    },
    isOpen: () => !isPaused() && room() > 0 && waiting.urgent.size === 0 && options.mayAsk(),
    close: () => {
      closed = true
      stop()
      rejectWaiting(new DirectoryFailure('unavailable', 'the gateway is stopping'))
    },
  }
}
