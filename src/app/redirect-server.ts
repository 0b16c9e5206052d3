/** The listener of `server.redirect_listen`: there where the config names one, moved and ended by a reload. */

import type { Server } from 'node:http'
import type { ListenAddress, Snapshot } from '../config/snapshot.ts'
import { createHttpsRedirect } from '../proxy/https-redirect.ts'
import { type BrokenRequest, createListener, limitListener } from '../proxy/listener.ts'
import { listenPlain } from './listen.ts'
import type { Parts, Prepared } from './parts.ts'

export interface RedirectServer {
  /** Where it listens, as the system says; `undefined`: nowhere. */
  address(): ListenAddress | undefined
}

interface Open {
  /** As it is written. */
  readonly wanted: string
  readonly server: Server
  readonly address: ListenAddress
}

/** @throws Error that names the config's key and what to do */
export async function startRedirectServer(
  parts: Parts,
  onBrokenRequest: (broken: BrokenRequest) => void,
): Promise<RedirectServer> {
  const limits = () => parts.runtime().snapshot.config.server.limits
  const open = async ({ redirectListen }: Snapshot): Promise<Open | undefined> => {
    if (redirectListen === undefined) return undefined
    const onRequest = createHttpsRedirect({ plane: () => parts.runtime().plane, now: parts.now })
    const server = createListener({
      certificates: undefined,
      limits,
      upgrades: false,
      onRequest,
      onBrokenRequest,
    })
    const address = await listenPlain(server, redirectListen, 'server.redirect_listen')
    return { wanted: JSON.stringify(redirectListen), server, address }
  }
  let current = await open(parts.runtime().snapshot)
  const prepare = async (next: Snapshot): Promise<Prepared> => {
    const isSame = current?.wanted === JSON.stringify(next.redirectListen)
    const opened = isSame ? undefined : await open(next)
    return {
      commit: async () => {
        const replaced = isSame ? undefined : current
        if (!isSame) current = opened
        if (current !== undefined) limitListener(current.server, next.config.server.limits)
        await closeServer(replaced?.server)
      },
      abort: () => closeServer(opened?.server),
    }
  }
  parts.alsoPrepare(prepare)
  parts.closing.push(() => closeServer(current?.server))
  return { address: () => current?.address }
}

function closeServer(server: Server | undefined): Promise<void> {
  if (server?.listening !== true) return Promise.resolve()
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // Answers are given at once: no connection has one that is still to come.
  server.closeAllConnections()
  return closed
}
