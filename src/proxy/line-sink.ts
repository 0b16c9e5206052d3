/** Where lines of the decision log go: written without blocking, bounded, and losses counted. */

import { mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { destination as openDestination } from 'pino'

export interface LineSink {
  /** @param lines whole ones, each with its end */
  write(lines: Buffer): void
  /** Lines that could not be kept because the destination was too slow. */
  lost(): number
  close(): Promise<void>
}

/** The destination may fall behind by this much before lines are dropped rather than memory filled. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024

/**
 * @param destination `stdout`, a file, which is appended to and its folder made, or an open descriptor
 * @throws Error that names the config's key where the file cannot be opened
 */
export function openLineSink(destination: string | number): LineSink {
  let lost = 0
  let closed = false
  const sink = openDestination({
    dest: typeof destination === 'number' ? destination : descriptorOf(destination),
    sync: false,
    maxLength: MAX_BUFFERED_BYTES,
    // Bytes of the right number: for a text three times as many would be set aside.
    contentMode: 'buffer',
  })
  sink.on('drop', (lines: Buffer) => {
    lost += countLines(lines)
  })
  // A reader that went away (EPIPE) or a full disk costs log lines, never requests.
  sink.on('error', () => {
    lost++
  })
  return {
    write: (lines) => {
      if (closed) lost += countLines(lines)
      // Bytes are what it takes in this mode, which its types do not know.
      else sink.write(lines as unknown as string)
    },
    lost: () => lost,
    close: () => {
      closed = true
      return closeSink(sink)
    },
  }
}

function countLines(lines: Buffer): number {
  let count = 0
  for (let at = lines.indexOf('\n'); at !== -1; at = lines.indexOf('\n', at + 1)) count++
  return count
}

function descriptorOf(destination: string): number {
  return destination === 'stdout' ? 1 : openFile(destination)
}

/** Opened here and not by the writer, which would go on trying a file that cannot be had. */
function openFile(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true })
    return openSync(path, 'a', 0o640)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`cannot write the decision log (\`logging.decisions\`): ${why}`, { cause })
  }
}

/** Writes what is left; a destination that takes no more is given up, and what it did not take was counted. */
function closeSink(sink: ReturnType<typeof openDestination>): Promise<void> {
  return new Promise((resolve) => {
    sink.once('close', resolve)
    sink.once('error', () => {
      sink.destroy()
      resolve()
    })
    sink.end()
  })
}
