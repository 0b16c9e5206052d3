/** Frames of HTTP/2 by hand (RFC 9113 §4), with fields that no client library would send. */

import { connect, type Socket } from 'node:net'

export const DATA = 0
export const HEADERS = 1
export const RST_STREAM = 3
export const SETTINGS = 4
export const PING = 6
export const GOAWAY = 7
export const CONTINUATION = 9

export const END_STREAM = 1
export const END_HEADERS = 4

export type Field = readonly [name: string, value: string]

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
) {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Fields as literals without indexing and without Huffman coding (RFC 7541 §6.2.2): any bytes, one character each. */
export function block(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]),
  )
}

function text(bytes: string): Buffer {
  const content = Buffer.from(bytes, 'latin1')
  return Buffer.concat([integer(content.length, 7), content])
}

/** RFC 7541 §5.1 */
function integer(value: number, bits: number): Buffer {
  const most = 2 ** bits - 1
  if (value < most) return Buffer.from([value])
  const bytes = [most]
  for (let rest = value - most; ; rest >>= 7) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest & 127) | 128)
  }
}

export interface FrameConnection {
  readonly socket: Socket
  send(...frames: readonly Buffer[]): void
  /** Resolves with the status of the answer on `stream`, or with what ended it: `reset`, `goaway` or `closed`. */
  outcome(stream: number): Promise<number | 'reset' | 'goaway' | 'closed'>
  /** The same, also behind an answer that has begun. */
  end(stream: number): Promise<'reset' | 'goaway' | 'closed'>
  readonly closed: Promise<void>
}

/** A connection on which the preface and empty settings have been sent. */
export function frames(port: number): FrameConnection {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  let pending: Buffer = Buffer.alloc(0)
  const seen: { type: number; stream: number; payload: Buffer }[] = []
  const watchers = new Set<() => void>()
  const notify = () => {
    for (const watcher of watchers) watcher()
  }
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 9 && pending.length >= 9 + pending.readUIntBE(0, 3)) {
      const end = 9 + pending.readUIntBE(0, 3)
      const stream = pending.readUInt32BE(5) & 0x7fffffff
      seen.push({ type: pending.readUInt8(3), stream, payload: pending.subarray(9, end) })
      pending = pending.subarray(end)
    }
    notify()
  })
  let isClosed = false
  const closed = new Promise<void>((resolve) =>
    socket.once('close', () => {
      isClosed = true
      notify()
      resolve()
    }),
  )
  socket.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))
  socket.write(frame(SETTINGS, 0, 0))
  const endOf = (stream: number): 'reset' | 'goaway' | 'closed' | undefined => {
    if (seen.some((one) => one.stream === stream && one.type === RST_STREAM)) return 'reset'
    const gone = seen.find(({ type, payload }) => type === GOAWAY && payload.readUInt32BE(4) !== 0)
    if (gone !== undefined) return 'goaway'
    return isClosed ? 'closed' : undefined
  }
  const look = (stream: number) => {
    const head = seen.find((one) => one.stream === stream && one.type === HEADERS)
    return head === undefined ? endOf(stream) : statusOf(head.payload)
  }
  const when = <T>(question: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const watch = () => {
        const answer = question()
        if (answer === undefined) return
        watchers.delete(watch)
        resolve(answer)
      }
      watchers.add(watch)
      watch()
    })
  return {
    socket,
    send: (...sent) => {
      for (const bytes of sent) socket.write(bytes)
    },
    outcome: (stream) => when(() => look(stream)),
    end: (stream) => when(() => endOf(stream)),
    closed,
  }
}

/** Of the static table (RFC 7541 appendix A), or a literal of the name that stands there at 8. */
const STATUS: Readonly<Record<number, number>> = {
  8: 200,
  9: 204,
  10: 206,
  11: 304,
  12: 400,
  13: 404,
  14: 500,
}

function statusOf(payload: Buffer): number {
  const first = payload.readUInt8(0)
  if (first & 0x80) return STATUS[first & 0x7f] ?? 0
  const length = payload.readUInt8(1)
  const value = payload.subarray(2, 2 + (length & 0x7f))
  return Number(length & 0x80 ? digits(value) : value.toString())
}

/** Huffman codes of digits (RFC 7541 appendix B): five bits for 0 to 2, six for the others. */
function digits(bytes: Buffer): string {
  let bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  let found = ''
  while (found.length < 3) {
    const five = Number.parseInt(bits.slice(0, 5), 2)
    const isShort = five <= 2
    found += isShort ? five : Number.parseInt(bits.slice(0, 6), 2) - 0x19 + 3
    bits = bits.slice(isShort ? 5 : 6)
  }
  return found
}
