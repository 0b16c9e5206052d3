/** How far a long comparison has come: one line of a terminal, written over and in the end taken away. */

import type { Io } from './io.ts'

/** So often at most, in milliseconds. */
const EVERY = 100

export interface Progress {
  /** @param done of `total` bytes @param lines so far */
  show(done: number, lines: number): void
  end(): void
}

/** Shows nothing where stderr is no terminal. @param total in bytes, where it is known */
export function createProgress(
  { isErrTty = false, stderr, now }: Pick<Io, 'isErrTty' | 'stderr' | 'now'>,
  total: number | undefined,
): Progress {
  let last = Number.NEGATIVE_INFINITY
  let shown = false
  return {
    show(done, lines) {
      if (!isErrTty || now() - last < EVERY) return
      last = now()
      shown = true
      stderr(`\r${barText(done, total)}${lines.toLocaleString('en-US')} lines compared\u001b[K`)
    },
    end() {
      if (shown) stderr('\r\u001b[K')
    },
  }
}

const WIDTH = 30

function barText(done: number, total: number | undefined): string {
  if (total === undefined || total === 0) return ''
  const share = Math.min(done / total, 1)
  const full = Math.round(share * WIDTH)
  return `[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${Math.floor(share * 100)} %  `
}
