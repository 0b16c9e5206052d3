/** CONNECT over HTTP/2: for a WebSocket (RFC 8441) the stages of an upgrade; a tunnel to anywhere is refused by those of a request. */

import type { IncomingMessage } from 'node:http'
import { admitUpgrade, type Upgrade, type UpgradeParts } from './admit-upgrade.ts'
import { boundAnswer, type H2Pipeline, receiveStream } from './h2-pipeline.ts'
import type { H2Request } from './h2-request.ts'
import type { H2Response } from './h2-response.ts'
import { H2WebSocketConnection } from './h2-web-socket-connection.ts'

/** @param carry takes what has been admitted, as if it had come over HTTP/1.1 */
export function createH2Connect(
  parts: UpgradeParts,
  toPipeline: H2Pipeline,
  carry: (request: IncomingMessage, upgrade: Upgrade) => void,
): H2Pipeline {
  const open = async (request: H2Request, response: H2Response): Promise<void> => {
    const received = receiveStream(parts, request, response)
    boundAnswer(received, request, response)
    const connection = new H2WebSocketConnection(response.stream)
    const upgrade = await admitUpgrade(parts, received, connection, request.problem)
    if (upgrade !== undefined) carry(received.request, upgrade)
  }
  return (request, response) => {
    if (!request.upgrade) return toPipeline(request, response)
    open(request, response).catch((error: unknown) => {
      parts.log.error({ err: error }, 'a WebSocket over HTTP/2 could not be carried')
      response.destroy()
    })
  }
}
