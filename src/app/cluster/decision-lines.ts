/**
 * The decision log of several workers: each writes to a pipe of its own, and the primary alone writes to the
 * destination, whole lines only. So lines never mix, however long, and one that a killed worker left unfinished is lost
 * and does not spoil the next.
 */

import type { Readable } from 'node:stream'
import { finished } from 'node:stream'
import type { LineSinkOptions } from '../../support/line-sink.ts'
import { type MovingSink, openMovingSink } from '../../support/moving-sink.ts'
import type { RecentLines } from '../../support/recent-lines.ts'

export interface DecisionLines {
  /** Passes on what `from` gives until it ends. */
  take(from: Readable): void
  readonly prepare: MovingSink['prepare']
  /** Goes on in the file that is at the path now, made where there is none. */
  reopen(): void
  lost(): number
  /** Waits for what workers have written, and for the destination to take it. */
  close(): Promise<void>
}

const NEW_LINE = 10

/** @throws Error that names the config's key where the destination cannot be had */
export function openDecisionLines(
  first: string,
  options: Omit<LineSinkOptions, 'key'>,
  recent?: RecentLines,
): DecisionLines {
  const sink = openMovingSink(first, { key: 'logging.decisions', ...options })
  /** Lines that were never finished. */
  let unfinishedLines = 0
  const taking = new Set<Promise<void>>()

  const pass = (from: Readable) => {
    let unfinished: Buffer[] = []
    from.on('data', (chunk: Buffer) => {
      const end = chunk.lastIndexOf(NEW_LINE) + 1
      if (end > 0) {
        const lines = Buffer.concat([...unfinished, chunk.subarray(0, end)])
        recent?.add(lines)
        sink.write(lines)
        unfinished = []
      }
      if (end < chunk.length) unfinished.push(chunk.subarray(end))
    })
    return new Promise<void>((resolve) => {
      finished(from, () => {
        if (unfinished.length > 0) unfinishedLines++
        resolve()
      })
    })
  }
  return {
    take: (from) => {
      const over = pass(from).finally(() => taking.delete(over))
      taking.add(over)
    },
    prepare: sink.prepare,
    reopen: sink.reopen,
    lost: () => unfinishedLines + sink.lost(),
    close: async () => {
      await Promise.all(taking)
      await sink.close()
    },
  }
}
