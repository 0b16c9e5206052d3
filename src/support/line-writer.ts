/** Writes lines to one open file without blocking: bounded, tried again where it fails, and losses counted. */

import { destination as openDestination } from 'pino'

export interface LineWriter {
  /** @param lines whole ones, each with its end */
  write(lines: Buffer): void
  /** Lines that were given up: the file was too slow or could not be written, and memory is bounded. */
  lost(): number
  /** Writes what is left, closes the file, and counts as lost what it did not take. */
  close(): Promise<void>
}

/** What became of writing: `failing` and `behind` last until the next `well`. */
export type WriterState =
  | { readonly kind: 'well' }
  | { readonly kind: 'behind' }
  | { readonly kind: 'failing'; readonly err: Error }

/** A file may fall behind by this much before lines are dropped rather than memory filled. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024
const RETRY_MS = 1_000
const STDERR = 2
/** A pipe takes so much at once without anything in between; standard error has the log's lines too. pipe(7) */
const PIPE_BUF = 4_096

interface Unwritten {
  readonly lines: Buffer
  /** Bytes that are still to be written. */
  left: number
}

/** Standard output, which several logs may have: lines of two writers would mix in the middle of a large piece. */
export type SharedStdout = (onState: (state: WriterState) => void) => LineWriter

/** One writer for all who ask, closed with the last of them. What it loses counts for each. */
export function shareStdout(): SharedStdout {
  let shared: LineWriter | undefined
  let users = 0
  return (onState) => {
    const writer = shared ?? openLineWriter(1, onState)
    shared = writer
    users++
    return {
      write: writer.write,
      lost: writer.lost,
      close: async () => {
        if (--users > 0) return
        shared = undefined
        await writer.close()
      },
    }
  }
}

/** @param onState called when it changes */
export function openLineWriter(fd: number, onState: (state: WriterState) => void): LineWriter {
  const sink = openDestination({
    dest: fd,
    sync: false,
    maxLength: MAX_BUFFERED_BYTES,
    // Bytes of the right number: for a text three times as many would be set aside.
    contentMode: 'buffer',
    ...(fd === STDERR ? { maxWrite: PIPE_BUF } : {}),
  })
  const unwritten: Unwritten[] = []
  let lost = 0
  let closed = false
  let state: WriterState['kind'] = 'well'
  let retry: NodeJS.Timeout | undefined

  const change = (next: WriterState) => {
    if (next.kind === state) return
    state = next.kind
    onState(next)
  }
  // Bytes are what it takes in this mode, which its types do not know.
  const give = (lines: Buffer) => void sink.write(lines as unknown as string)

  sink.on('write', (count: number) => {
    let bytes = count
    for (let first = unwritten[0]; first !== undefined && bytes > 0; first = unwritten[0]) {
      const taken = Math.min(bytes, first.left)
      first.left -= taken
      bytes -= taken
      if (first.left === 0) unwritten.shift()
    }
    if (state === 'failing' || unwritten.length === 0) change({ kind: 'well' })
  })
  sink.on('drop', (lines: Buffer) => {
    unwritten.pop()
    lost += countLines(lines)
    if (state === 'well') change({ kind: 'behind' })
  })
  // A reader that went away (EPIPE) or a full disk costs log lines, never requests.
  sink.on('error', (err: Error) => {
    change({ kind: 'failing', err })
    // It tries again only when there is more to write.
    clearTimeout(retry)
    if (!closed) retry = setTimeout(() => closed || give(Buffer.alloc(0)), RETRY_MS).unref()
  })
  return {
    write: (lines) => {
      if (closed) {
        lost += countLines(lines)
        return
      }
      unwritten.push({ lines, left: lines.length })
      give(lines)
    },
    lost: () => lost,
    close: async () => {
      closed = true
      clearTimeout(retry)
      await closeSink(sink)
      for (const { lines } of unwritten.splice(0)) lost += countLines(lines)
    },
  }
}

function countLines(lines: Buffer): number {
  let count = 0
  for (let at = lines.indexOf('\n'); at !== -1; at = lines.indexOf('\n', at + 1)) count++
  return count
}

/** Writes what is left; a file that takes no more is given up. */
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
