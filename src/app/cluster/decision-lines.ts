/**
 * The decision log of several workers: each writes to a pipe of its own, and the primary alone writes to the
 * destination, whole lines only. So lines never mix, however long, and one that a killed worker left unfinished is lost
 * and does not spoil the next.
 */

import type { Readable } from 'node:stream'
import { finished } from 'node:stream'
import { type LineSink, openLineSink } from '../../support/line-sink.ts'
import type { Log } from '../../support/log.ts'
import type { RecentLines } from '../../support/recent-lines.ts'

export interface DecisionLines {
  /** Passes on what `from` gives until it ends. */
  take(from: Readable): void
  /** Another destination, opened and not yet used. Throws where it cannot be had. */
  prepare(destination: string): { commit(): Promise<void>; abort(): Promise<void> }
  /** Goes on in the file that is at the path now, made where there is none. */
  reopen(): void
  lost(): number
  /** Waits for what workers have written, and for the destination to take it. */
  close(): Promise<void>
}

const NEW_LINE = 10

/** @throws Error that names the config's key where the destination cannot be had */
export function openDecisionLines(first: string, log: Log, recent?: RecentLines): DecisionLines {
  const open = (destination: string) => openLineSink(destination, { key: 'logging.decisions', log })
  let destination = first
  let sink: LineSink = open(first)
  /** Of destinations that are closed, and lines that were never finished. */
  let lostBefore = 0
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
        if (unfinished.length > 0) lostBefore++
        resolve()
      })
    })
  }
  return {
    take: (from) => {
      const over = pass(from).finally(() => taking.delete(over))
      taking.add(over)
    },
    prepare: (next) => {
      const moved = next === destination ? undefined : open(next)
      return {
        commit: async () => {
          if (moved === undefined) return
          const old = sink
          sink = moved
          destination = next
          await old.close()
          lostBefore += old.lost()
        },
        abort: async () => moved?.close(),
      }
    },
    reopen: () => sink.reopen(),
    lost: () => lostBefore + sink.lost(),
    close: async () => {
      await Promise.all(taking)
      await sink.close()
    },
  }
}
