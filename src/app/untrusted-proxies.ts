/** Peers that say for whom they ask and are not believed: most often a proxy that somebody forgot to name. */

import type { Log } from '../support/log.ts'

/** Clients can forge the header, so that the log names only so many. */
const MAX_NAMED = 8

/** Counts each such request by `count`, and names each peer in the log once. */
export function noteUntrustedProxies(log: Log, count: () => void): (peer: string) => void {
  const named = new Set<string>()
  return (peer) => {
    count()
    if (named.size >= MAX_NAMED || named.has(peer)) return
    named.add(peer)
    log.warn(
      { peer },
      'a peer sends X-Forwarded-For and is not believed: if it is a proxy of yours, add it to `server.trusted_proxies`',
    )
  }
}
