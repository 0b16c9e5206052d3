/** A log whose destination a reload may change: as a whole, or not at all. */

import { type LineSink, type LineSinkOptions, openLineSink } from './line-sink.ts'

export interface MovingSink extends LineSink {
  /** Opens another destination, which is not used before `commit`. Throws where it cannot be had. */
  prepare(destination: string): { commit(): Promise<void>; abort(): Promise<void> }
}

/** @throws Error that names the config's key where the destination cannot be had */
export function openMovingSink(first: string, options: LineSinkOptions): MovingSink {
  let destination = first
  let sink = openLineSink(first, options)
  /** By destinations that are closed. */
  let lostBefore = 0
  return {
    write: (lines) => sink.write(lines),
    reopen: () => sink.reopen(),
    lost: () => lostBefore + sink.lost(),
    close: () => sink.close(),
    prepare: (next) => {
      const moved = next === destination ? undefined : openLineSink(next, options)
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
  }
}
