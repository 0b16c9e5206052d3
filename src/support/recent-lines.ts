/** The last lines of a log, kept in memory as they were written: bounded, and read only when somebody asks. */

export interface RecentLines {
  /** Whole lines, each with its final line feed. They are kept as they are, and must not change. */
  add(lines: Uint8Array): void
  /** The last `count` lines at most, oldest first. */
  last(count: number): readonly string[]
}

/** @param maxBytes what is kept may be more by one piece */
export function createRecentLines(maxBytes: number): RecentLines {
  const pieces: Uint8Array[] = []
  let size = 0
  return {
    add: (lines) => {
      pieces.push(lines)
      size += lines.length
      while (size > maxBytes && pieces.length > 1) size -= pieces.shift()?.length ?? 0
    },
    last: (count) => {
      const lines = Buffer.concat(pieces).toString('utf8').split('\n')
      // Behind the final line feed there is nothing.
      lines.pop()
      return lines.slice(-count)
    },
  }
}
