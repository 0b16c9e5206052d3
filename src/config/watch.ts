/** Notices that a file has changed. It looks at every path itself, so no change is missed whatever the file system tells. */

import { setTimeout } from 'node:timers/promises'
import { AT_A_TIME, type Stamp, type Stamps, stampOf } from './input-files.ts'

export interface WatchOptions {
  /** What the last load, good or bad, has seen; asked anew on every look. */
  readonly stamps: () => Stamps
  /** Called after a change, once the files have come to rest; the next look waits for it. It must not reject. */
  readonly onChange: () => Promise<void>
  /** Milliseconds between two looks. */
  readonly intervalMs?: number
  /** How long files must have stayed as they are, so that one that is half written is not read. */
  readonly settleMs?: number
  /** Real time unless given; rejects once `signal` is aborted. */
  readonly rest?: (ms: number, signal: AbortSignal) => Promise<void>
}

export interface Watch {
  /** Stops; nothing is called after it, and no timer is left. */
  close(): void
}

/** A look, the rest and the load stay below two seconds together. */
const INTERVAL_MS = 500
const SETTLE_MS = 150
/** Files that never come to rest are read as they are. */
const MOST_SETTLES = 4

/**
 * Watches every path that the last load looked at, by what it looks like and not by events: edits, renames, swapped
 * links, and added and removed files all show in the stamps, on every file system.
 */
export function watchFiles(options: WatchOptions): Watch {
  const intervalMs = options.intervalMs ?? INTERVAL_MS
  const settleMs = options.settleMs ?? SETTLE_MS
  const rest = options.rest ?? restInRealTime
  const closing = new AbortController()
  const { signal } = closing

  /** How the paths look now, where that is not what the last load has seen. */
  const changed = async (): Promise<Stamps | undefined> => {
    const seen = options.stamps()
    const now = await look(seen)
    return isSame(seen, now) ? undefined : now
  }
  /** Looks until two looks agree, and gives up after a few. */
  const settle = async (first: Stamps) => {
    let before = first
    for (let i = 0; i < MOST_SETTLES; i++) {
      await rest(settleMs, signal)
      const after = await look(before)
      if (isSame(before, after)) return
      before = after
    }
  }
  const watch = async () => {
    while (!signal.aborted) {
      await rest(intervalMs, signal)
      const change = await changed()
      if (change === undefined) continue
      await settle(change)
      // A reload that was asked for may have read the change meanwhile.
      if ((await changed()) !== undefined && !signal.aborted) await options.onChange()
    }
  }
  watch().catch((cause: unknown) => {
    if (!signal.aborted) throw cause
  })
  return { close: () => closing.abort() }
}

async function restInRealTime(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal })
}

async function look(at: Stamps): Promise<Stamps> {
  const found = new Map<string, Stamp>()
  const paths = [...at.keys()]
  for (let i = 0; i < paths.length; i += AT_A_TIME) {
    const some = paths.slice(i, i + AT_A_TIME)
    const stamps = await Promise.all(some.map((path) => stampOf(path)))
    for (const [index, path] of some.entries()) found.set(path, stamps[index] ?? '')
  }
  return found
}

function isSame(one: Stamps, other: Stamps): boolean {
  for (const [path, stamp] of one) {
    if (other.get(path) !== stamp) return false
  }
  return true
}
