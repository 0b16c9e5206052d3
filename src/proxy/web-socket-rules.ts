/** Which WebSockets a route takes, whoever carries them. */

import type { IncomingMessage } from 'node:http'
import { GatehouseError } from '../errors.ts'
import type { CanonicalRequest } from './canonicalize.ts'

/** True for the handshake of a WebSocket, also where a proxy on the way has taken `Upgrade` off. RFC 6455 §4.1 */
export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return (
    headers['sec-websocket-key'] !== undefined || headers.upgrade?.toLowerCase() === 'websocket'
  )
}

/**
 * A page of another site must not open a socket with this browser's session. A client without Origin is no browser.
 * @throws GatehouseError ACCESS_DENIED
 */
export function checkWebSocket(
  { headers }: IncomingMessage,
  { route, origin }: Pick<CanonicalRequest, 'route' | 'origin'>,
): void {
  if (!route.allowWebsockets) {
    throw new GatehouseError('ACCESS_DENIED', 'the route does not have `allow_websockets: true`', {
      text: 'This site takes no WebSockets.',
    })
  }
  const asking = headers.origin?.toLowerCase()
  const others = route.websocketOrigins
  if (asking === undefined || asking === origin || others === 'any') return
  if (others === undefined || !others.has(asking)) {
    throw new GatehouseError('ACCESS_DENIED', `a WebSocket from the foreign origin \`${asking}\``, {
      text: 'WebSockets from another site are not accepted.',
    })
  }
}
