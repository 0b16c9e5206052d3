/** The connections of HTTP/1.1 to one upstream: opened as needed, kept while they are of use, never asked twice at once. */

import type { Route, UpstreamUrl } from '../../policy/route.ts'
import type { Deadlines } from './deadlines.ts'
import { type ConnectionOwner, Http1Connection } from './http1-connection.ts'
import { Http1Exchange } from './http1-exchange.ts'
import type { UpstreamHandler, UpstreamRequest } from './upstream-call.ts'
import { UpstreamError } from './upstream-error.ts'
import { CONNECTION_AGE_MS } from './upstream-socket.ts'

export class Http1Upstream implements ConnectionOwner {
  readonly #url: UpstreamUrl
  readonly #tls: Route['tls']
  readonly #deadlines: Deadlines
  readonly #connections = new Set<Http1Connection>()
  /** The one that was used last is used first, so that those that are not needed rest, and end. */
  readonly #free: Http1Connection[] = []
  #waiting: Http1Exchange[] = []
  #tlsSession: Buffer | undefined
  #state: 'open' | 'closed' | 'destroyed' = 'open'

  constructor(url: UpstreamUrl, tls: Route['tls'], deadlines: Deadlines) {
    this.#url = url
    this.#tls = tls
    this.#deadlines = deadlines
  }

  /**
   * Sends it when all that has reached this process has been read: what an upstream says on a connection that it was not
   * asked on ends that connection before it can be taken for an answer.
   */
  dispatch(request: UpstreamRequest, handler: UpstreamHandler): void {
    if (this.#waiting.length === 0) setImmediate(this.#send)
    this.#waiting.push(new Http1Exchange(request, handler))
  }

  /** What is under way finishes, and its connections end with it. */
  close(): void {
    this.#state = 'closed'
    for (const connection of this.#free.splice(0)) connection.discard()
  }

  destroy(): void {
    this.#state = 'destroyed'
    this.#free.length = 0
    for (const connection of this.#connections) connection.discard()
  }

  onFree(connection: Http1Connection): void {
    const age = performance.now() - connection.openedAt
    if (this.#state === 'open' && age < CONNECTION_AGE_MS) this.#free.push(connection)
    else connection.discard()
  }

  onGone(connection: Http1Connection): void {
    this.#connections.delete(connection)
    const at = this.#free.lastIndexOf(connection)
    if (at >= 0) this.#free.splice(at, 1)
  }

  onTlsSession(session: Buffer): void {
    this.#tlsSession = session
  }

  readonly #send = (): void => {
    const exchanges = this.#waiting
    this.#waiting = []
    for (const exchange of exchanges) {
      if (this.#state === 'destroyed') {
        exchange.fail(new UpstreamError('ABORTED', 'the gateway is stopping'))
        continue
      }
      const connection = this.#takeFree()
      if (connection === undefined) this.#open(exchange)
      else connection.start(exchange)
    }
  }

  #takeFree(): Http1Connection | undefined {
    for (;;) {
      const connection = this.#free.pop()
      if (connection === undefined || connection.isUsable) return connection
    }
  }

  #open(exchange: Http1Exchange): void {
    const options = {
      url: this.#url,
      tls: this.#tls,
      tlsSession: this.#tlsSession,
      deadlines: this.#deadlines,
      owner: this,
    }
    try {
      this.#connections.add(new Http1Connection(options, exchange))
    } catch (error) {
      exchange.fail(error instanceof Error ? error : new Error(String(error)))
    }
  }
}
