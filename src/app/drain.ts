/** The end of serving, in order: nobody who is being served notices. */

import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Parts } from './parts.ts'

/**
 * Product 6: not ready at once; connections are still accepted for `drain_delay`; then what is in flight finishes
 * within `drain_timeout`, and WebSockets close with 1001.
 */
export async function drain(
  parts: Parts,
  publicServer: FastifyInstance,
  delay: boolean,
): Promise<void> {
  const { drain_delay: delayMs, drain_timeout: timeoutMs } = parts.runtime().snapshot.config.server
  parts.life.draining = true
  if (delay && delayMs > 0) await wait(delayMs)
  const ended = Promise.all([publicServer.close(), parts.webSockets.closeAll()])
  const late = new AbortController()
  const deadline = wait(timeoutMs, undefined, { signal: late.signal }).then(
    () => publicServer.server.closeAllConnections(),
    () => undefined,
  )
  await ended
  late.abort()
  await deadline
}
