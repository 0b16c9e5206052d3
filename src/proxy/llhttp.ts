/**
 * llhttp, the parser of Node itself, in the WebAssembly form that undici ships: it reads what upstreams answer
 * (upstream/http1-reader.ts), and the heads of simple requests (fast-path/request-head.ts).
 * The file is no part of undici's API: its version is fixed in package.json, and every test of forwarding needs it.
 * Node's own copy cannot be used from outside, and no parser of HTTP is written here.
 */

import { createRequire } from 'node:module'

/** Hears of what llhttp finds. Places are offsets in the piece that is being read; what is not 0 ends the reading. */
export interface LlhttpListener {
  onMessageBegin(): number
  /** Of a request. */
  onUrl(start: number, length: number): number
  /** Of an answer. */
  onStatus(start: number, length: number): number
  onHeaderField(start: number, length: number): number
  onHeaderValue(start: number, length: number): number
  /** 1: no body follows, whatever the head says. */
  onHeadersComplete(status: number, isUpgrade: boolean, keepsAlive: boolean): number
  onBody(start: number, length: number): number
  onMessageComplete(): number
}

/** As much of it as is used; the types of Node leave it out. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
}

/** What the module exports, as far as it is used. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  malloc(bytes: number): number
  llhttp_alloc(type: number): number
  llhttp_free(parser: number): void
  llhttp_reset(parser: number): void
  llhttp_execute(parser: number, at: number, bytes: number): number
  llhttp_finish(parser: number): number
  llhttp_get_error_reason(parser: number): number
  llhttp_get_http_minor(parser: number): number
}

/** `llhttp_type_t`. */
const TYPES = { requests: 1, answers: 2 }
/** `llhttp_errno_t`. */
const OK = 0
/** The largest piece that is read at once. */
export const PIECE_BYTES = 64 * 1024

let listener: LlhttpListener | undefined
let piece = 0
let loaded: Exports | undefined
let memory = new Uint8Array()

function exports(): Exports {
  if (loaded !== undefined) return loaded
  const require = createRequire(import.meta.url)
  const bytes: Uint8Array = require('undici/lib/llhttp/llhttp_simd-wasm.js')
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: ENV })
  loaded = exports as Exports
  piece = loaded.malloc(PIECE_BYTES)
  return loaded
}

const ENV = {
  wasm_on_message_begin: () => current().onMessageBegin(),
  wasm_on_url: (_: number, at: number, length: number) => current().onUrl(at - piece, length),
  wasm_on_status: (_: number, at: number, length: number) => current().onStatus(at - piece, length),
  wasm_on_header_field: (_: number, at: number, length: number) =>
    current().onHeaderField(at - piece, length),
  wasm_on_header_value: (_: number, at: number, length: number) =>
    current().onHeaderValue(at - piece, length),
  wasm_on_headers_complete: (_: number, status: number, upgrade: number, keepAlive: number) =>
    current().onHeadersComplete(status, upgrade === 1, keepAlive === 1),
  wasm_on_body: (_: number, at: number, length: number) => current().onBody(at - piece, length),
  wasm_on_message_complete: () => current().onMessageComplete(),
}

function current(): LlhttpListener {
  if (listener === undefined) throw new Error('llhttp speaks while nothing is being read')
  return listener
}

/** The parser's state for what is sent in one direction of a connection. To be freed when the connection is gone. */
export class Llhttp {
  readonly #listener: LlhttpListener
  #parser: number

  constructor(what: keyof typeof TYPES, events: LlhttpListener) {
    this.#listener = events
    this.#parser = exports().llhttp_alloc(TYPES[what])
  }

  /** @param bytes at most PIECE_BYTES @returns what is wrong with it, or `undefined` */
  read(bytes: Uint8Array): string | undefined {
    // All pieces lie in one place: what another connection has sent would be read on as this one's.
    if (listener !== undefined) return 'something else is being read'
    const llhttp = exports()
    // A module that has grown has another buffer.
    if (memory.buffer !== llhttp.memory.buffer) memory = new Uint8Array(llhttp.memory.buffer)
    memory.set(bytes, piece)
    listener = this.#listener
    try {
      const code = llhttp.llhttp_execute(this.#parser, piece, bytes.length)
      return code === OK ? undefined : this.#reason()
    } finally {
      listener = undefined
    }
  }

  /** The connection has ended. @returns what is missing, or `undefined` where an answer may end so */
  finish(): string | undefined {
    listener = this.#listener
    try {
      return exports().llhttp_finish(this.#parser) === OK ? undefined : this.#reason()
    } finally {
      listener = undefined
    }
  }

  #reason(): string {
    const at = exports().llhttp_get_error_reason(this.#parser)
    const bytes = Buffer.from(exports().memory.buffer, at, 200)
    return at === 0 ? 'it is not HTTP/1.1' : bytes.toString('latin1', 0, bytes.indexOf(0))
  }

  /** The second number of the version that the head in hand states. */
  get minorVersion(): number {
    return exports().llhttp_get_http_minor(this.#parser)
  }

  /** Forgets what it has read, as if the connection had just begun. */
  reset(): void {
    exports().llhttp_reset(this.#parser)
  }

  free(): void {
    if (this.#parser !== 0) exports().llhttp_free(this.#parser)
    this.#parser = 0
  }
}
