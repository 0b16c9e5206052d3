/** A file of lines, of any length and with anything in it, line by line without ever holding more than one. */

import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'

/** A line of the decision log has a few hundred bytes; one that is longer than this is none. */
const MAX_LINE_BYTES = 1024 * 1024
const LINE_END = 0x0a
const CHUNK_BYTES = 1024 * 1024

export interface LineTaker {
  /** Takes a line without its end. Empty ones are left out. */
  add(line: string): void
  /** Counts a line that is no text or too long. */
  addUnreadable(): void
}

export interface ByteSource {
  readonly chunks: AsyncIterable<Buffer | string>
  /** `undefined` where it is not known. */
  readonly size: number | undefined
}

/** @throws Error of node:fs where the file cannot be opened; while it is read, `readLines` rejects with one */
export async function openLines(file: string): Promise<ByteSource> {
  const { size } = await stat(file)
  return { chunks: createReadStream(file, { highWaterMark: CHUNK_BYTES }), size }
}

/** Gives every line of `source` to `taker`, and the number of bytes so far to `onBytes` now and then. */
export async function readLines(
  { chunks }: ByteSource,
  taker: LineTaker,
  onBytes: (bytes: number) => void,
): Promise<void> {
  let bytes = 0
  let begun: Buffer[] = []
  let length = 0
  const takeLine = (): void => {
    const line = begun.length === 1 ? (begun[0] ?? Buffer.alloc(0)) : Buffer.concat(begun)
    if (length > MAX_LINE_BYTES || !isUtf8(line)) taker.addUnreadable()
    else if (line.length > 0) takeText(line.toString(), taker)
    begun = []
    length = 0
  }
  const begin = (part: Buffer): void => {
    length += part.length
    if (length <= MAX_LINE_BYTES) begun.push(part)
    else begun = []
  }
  for await (const given of chunks) {
    const chunk = typeof given === 'string' ? Buffer.from(given) : given
    let start = 0
    let end = chunk.indexOf(LINE_END)
    while (end !== -1) {
      begin(chunk.subarray(start, end))
      takeLine()
      start = end + 1
      end = chunk.indexOf(LINE_END, start)
    }
    if (start < chunk.length) begin(chunk.subarray(start))
    bytes += chunk.length
    onBytes(bytes)
  }
  if (length > 0) takeLine()
}

function takeText(text: string, taker: LineTaker): void {
  const line = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  if (line.trim() !== '') taker.add(line)
}
