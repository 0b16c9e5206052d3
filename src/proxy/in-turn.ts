/**
 * Requests of one connection, one after the other. Node hands over at once what a client has sent in a row, so one
 * connection could have thousands of them worked on, unsafe ones side by side. RFC 9112 §9.3.2
 */

import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const LATEST: unique symbol = Symbol('latest answer')
const COUNT: unique symbol = Symbol('requests so far')
type Connection = Socket & { [LATEST]?: ServerResponse | undefined; [COUNT]?: number }

/** Notes that `response` is owed on the connection. Returns the answer that is owed before it, if any. */
export function takeTurn(
  connection: Connection,
  response: ServerResponse,
): ServerResponse | undefined {
  const before = connection[LATEST]
  connection[LATEST] = response
  return before
}

/** Counts a request of the connection. True for the last that it may have, and for any behind that. */
export function isLastOf(connection: Connection, most: number): boolean {
  const count = (connection[COUNT] ?? 0) + 1
  connection[COUNT] = count
  return count >= most
}

/** The last request counted is not answered after all, and will be counted again. */
export function takeBack(connection: Connection): void {
  connection[COUNT] = (connection[COUNT] ?? 1) - 1
}

/** What is over must not be kept for as long as the connection. */
export function endTurn(connection: Connection, response: ServerResponse): void {
  if (connection[LATEST] === response) connection[LATEST] = undefined
}

/** True while a request of the connection waits for its answer. */
export function isOwed(connection: Connection): boolean {
  return connection[LATEST] !== undefined
}

/** False once an answer has ended the connection: nobody looks at what was sent behind it. RFC 9112 §9.6 */
export function isOpen(connection: Socket): boolean {
  return !connection.destroyed && !connection.writableEnded
}

/** Calls `start` after `before`, if the connection is open by then. */
export function startAfter(before: ServerResponse, connection: Socket, start: () => void): void {
  before.once('close', () => {
    if (isOpen(connection)) start()
  })
}
