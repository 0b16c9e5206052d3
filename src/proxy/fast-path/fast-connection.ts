/** A client's connection while it asks nothing but simple requests: each is read, answered, and the next is waited for. */

import type { Socket } from 'node:net'
import type { Deadlines, Waiter } from '../upstream/deadlines.ts'
import { FastRequest } from './fast-request.ts'
import { FastResponse, KEEP_ALIVE_MS, type ResponseOwner } from './fast-response.ts'
import { readRequestHead } from './request-head.ts'

export interface FastPathOptions {
  readonly deadlines: Deadlines
  readonly onRequest: (request: FastRequest, response: FastResponse) => void
  /** Takes a connection for good, for Node's own server; what was read of it is read again. */
  readonly toNode: (socket: Socket) => void
  /** Bytes that a head may have; a longer one is Node's to refuse. */
  readonly maxHeadBytes: () => number
  /** Milliseconds that a client may take for its first request. */
  readonly headerTimeoutMs: () => number
  /** It has taken longer. */
  readonly onSilent: (socket: Socket) => void
  /** It is no longer one of this kind: gone, or Node's. */
  readonly onLeft: (connection: FastConnection) => void
}

/** More than that is left with the system until its turn comes. */
const MAX_BEHIND_BYTES = 64 * 1024
/** A client that asks in the last moment of what it was promised must meet no closed connection. */
const MARGIN_MS = 1_000
const NOTHING = Buffer.alloc(0)

export class FastConnection implements ResponseOwner, Waiter {
  readonly socket: Socket
  readonly #options: FastPathOptions
  #response: FastResponse | undefined
  /** The request that is being answered, as it came. */
  #asked: Buffer | undefined
  /** What came behind it, in its pieces. */
  #behind: Buffer[] = []
  #bytesBehind = 0
  #isFresh = true
  #deadline: number

  constructor(socket: Socket, options: FastPathOptions) {
    this.socket = socket
    this.#options = options
    this.#deadline = performance.now() + options.headerTimeoutMs()
    socket.on('data', this.#onData)
    socket.on('drain', this.#onDrain)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onClose)
    options.deadlines.add(this)
  }

  get deadline(): number {
    return this.#deadline
  }

  /** Nothing has been asked that is not answered. */
  get isIdle(): boolean {
    return this.#response === undefined
  }

  onDeadline(): void {
    this.#deadline = Number.POSITIVE_INFINITY
    if (this.#isFresh) this.#options.onSilent(this.socket)
    else this.socket.destroy()
  }

  readonly #onData = (bytes: Buffer): void => {
    // Nobody looks at what is sent behind the last answer. RFC 9112 §9.6
    if (!this.socket.writable) return
    if (this.#response === undefined) return this.#take(bytes)
    // One after the other. RFC 9112 §9.3.2
    this.#behind.push(bytes)
    this.#bytesBehind += bytes.length
    // That a client leaves is known only while it is read.
    if (this.#bytesBehind > MAX_BEHIND_BYTES) this.socket.pause()
  }

  #take(bytes: Buffer): void {
    const { maxHeadBytes, onRequest } = this.#options
    const head = bytes.length > maxHeadBytes() ? undefined : readRequestHead(bytes)
    this.#asked = bytes
    if (head === undefined) return this.handOver()
    this.#deadline = Number.POSITIVE_INFINITY
    this.#isFresh = false
    const response = new FastResponse(this, head.method === 'HEAD', head.keepsAlive)
    this.#response = response
    onRequest(new FastRequest(head, this.socket), response)
  }

  handOver(): void {
    const { socket } = this
    const bytes = Buffer.concat([this.#asked ?? NOTHING, ...this.#behind])
    this.#response = this.#asked = undefined
    this.#behind = []
    this.#leave()
    this.#options.toNode(socket)
    socket.unshift(bytes)
    if (socket.isPaused()) socket.resume()
  }

  onSent(): void {
    const response = this.#response
    this.#response = this.#asked = undefined
    if (response === undefined) return
    const { socket } = this
    response.close()
    const isLast = response.isLastIfIdle && this.#behind.length === 0
    if (isLast || !response.shouldKeepAlive) {
      this.#behind = []
      socket.destroySoon()
      return
    }
    this.#deadline = performance.now() + KEEP_ALIVE_MS + MARGIN_MS
    if (this.#behind.length > 0 && socket.writable) this.#takeBehind()
  }

  #takeBehind(): void {
    const bytes = Buffer.concat(this.#behind)
    this.#behind = []
    this.#bytesBehind = 0
    this.socket.resume()
    this.#take(bytes)
  }

  readonly #onDrain = (): void => {
    this.#response?.emit('drain')
  }

  /** Who sends no more waits for nothing, as Node's server has it. */
  readonly #onEnd = (): void => {
    this.socket.end()
  }

  readonly #onClose = (): void => {
    const response = this.#response
    this.#response = undefined
    this.#leave()
    response?.close()
  }

  #leave(): void {
    const { socket } = this
    socket.off('data', this.#onData)
    socket.off('drain', this.#onDrain)
    socket.off('end', this.#onEnd)
    socket.off('close', this.#onClose)
    this.#options.deadlines.delete(this)
    this.#options.onLeft(this)
  }
}
