/**
 * Requests of one connection, one after the other. Node hands over at once what a client has sent in a row, so one
 * connection could have thousands of them worked on, unsafe ones side by side. RFC 9112 §9.3.2
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const LATEST: unique symbol = Symbol('latest answer')
type Connection = Socket & { [LATEST]?: ServerResponse | undefined }

/**
 * Calls `start` when the answers before this one have been sent. Never where the connection is given up by then: what
 * was sent behind a request that ended it is not looked at.
 */
export function inTurn(request: IncomingMessage, response: ServerResponse, start: () => void): void {
  const connection = request.socket as Connection
  const before = connection[LATEST]
  connection[LATEST] = response
  response.once('close', () => {
    // What is over must not be kept for as long as the connection.
    if (connection[LATEST] === response) connection[LATEST] = undefined
  })
  if (before === undefined) start()
  else {
    before.once('close', () => {
      if (!connection.destroyed && !connection.writableEnded) start()
    })
  }
}
