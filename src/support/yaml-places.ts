/** Offsets in a text as line and column. */

import type { Position } from './problem.ts'

export interface Places {
  at(offset: number): Position
}

export function placesIn(file: string, text: string): Places {
  const starts = lineStarts(text)
  // Most questions are about the line of the one before.
  let line = 0
  return {
    at: (offset) => {
      if (!isWithin(starts, line, offset)) line = lineOf(starts, offset)
      return { file, line: line + 1, column: offset - (starts[line] ?? 0) + 1 }
    },
  }
}

function isWithin(starts: readonly number[], line: number, offset: number): boolean {
  return (starts[line] ?? 0) <= offset && offset < (starts[line + 1] ?? Number.POSITIVE_INFINITY)
}

/** The last line that begins at `offset` or before it. */
function lineOf(starts: readonly number[], offset: number): number {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return low
}

/** YAML 1.2.2 §5.4: a line ends with LF, CR LF or CR. */
function lineStarts(text: string): readonly number[] {
  const starts = [0]
  if (text.includes('\r')) {
    for (const { index, 0: lineBreak } of text.matchAll(/\r\n|[\r\n]/g)) {
      starts.push(index + lineBreak.length)
    }
    return starts
  }
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}
