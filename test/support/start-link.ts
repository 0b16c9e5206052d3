/** A TCP proxy in front of a server, whose link the test cuts, delays, or leaves half-open. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'

export interface Link {
  readonly port: number
  /** As if the server were gone: what is open breaks, and what is new too. */
  cut(): void
  /** As if packets were dropped: connections open and stay open, and nothing passes. */
  halfOpen(): void
  /** Everything passes, `ms` later. */
  delay(ms: number): void
  /** New connections work again; what was open while it was half-open never will. */
  heal(): void
}

type State = { readonly kind: 'open'; readonly delayMs: number } | { readonly kind: 'cut' | 'half' }

/** Closed with the test. */
export async function startLink(t: Test, targetPort: number): Promise<Link> {
  let state: State = { kind: 'open', delayMs: 0 }
  const pairs = new Set<Pair>()
  const server = createServer((near) => {
    if (state.kind === 'cut') {
      near.destroy()
      return
    }
    const pair: Pair = { near, far: connect(targetPort, '127.0.0.1'), lost: state.kind === 'half' }
    pairs.add(pair)
    near.once('close', () => pairs.delete(pair))
    join(pair, near, pair.far, () => state)
    join(pair, pair.far, near, () => state)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const breakAll = () => {
    for (const { near, far } of pairs) {
      near.destroy()
      far.destroy()
    }
  }
  t.teardown(() => {
    breakAll()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      state = { kind: 'cut' }
      breakAll()
    },
    halfOpen: () => {
      state = { kind: 'half' }
      for (const pair of pairs) pair.lost = true
    },
    delay: (delayMs) => {
      state = { kind: 'open', delayMs }
    },
    heal: () => {
      state = { kind: 'open', delayMs: 0 }
    },
  }
}

interface Pair {
  readonly near: Socket
  readonly far: Socket
  /** A packet of it was dropped: nothing passes any more. */
  lost: boolean
}

function join(pair: Pair, from: Socket, to: Socket, state: () => State): void {
  // In order, also when the delay has become shorter.
  let last = Promise.resolve()
  let waiting = 0
  const inTurn = (pass: () => void) => {
    const now = state()
    if (pair.lost || now.kind !== 'open') return
    if (now.delayMs === 0 && waiting === 0) {
      pass()
      return
    }
    const due = wait(now.delayMs)
    waiting++
    last = last
      .then(() => due)
      .then(() => {
        waiting--
        pass()
      })
  }
  from.on('error', () => undefined)
  from.on('data', (data) => inTurn(() => to.writable && to.write(data)))
  from.on('end', () => inTurn(() => to.end()))
  from.on('close', () => inTurn(() => to.destroy()))
}
