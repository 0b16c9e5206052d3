/** The primary as a worker sees it: it asks for things, and tells of sessions that have ended elsewhere. */

import type { Siblings } from '../../identity/store/session-store.ts'
import type { FromWorker, ToWorker, WorkerMethod, WorkerMethods } from './messages.ts'

/** How a process speaks with the one that has started it. */
export interface ParentProcess {
  send(message: unknown, done?: () => void): void
  onMessage(listener: (message: unknown) => void): void
  /** Nothing comes any more, and the process may end. */
  disconnect(): void
}

export interface PrimaryLink {
  readonly siblings: Siblings
  /** A line of the audit log, without its end. */
  audit(line: string): void
  /** Answers calls from now on, and says that it does. */
  serve(methods: WorkerMethods): void
}

export function linkToPrimary(parent: ParentProcess): PrimaryLink {
  const listeners = new Set<(id: string) => void>()
  const send = (message: FromWorker, done?: () => void) => parent.send(message, done)

  const answer = async (
    methods: WorkerMethods,
    call: number,
    method: WorkerMethod,
    given: unknown,
  ) => {
    try {
      const run = methods[method] as (argument: unknown) => Promise<unknown>
      send({ kind: 'returned', call, value: await run(given) })
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      send({ kind: 'failed', call, message })
    }
  }
  return {
    audit: (line) => send({ kind: 'audit', line }),
    siblings: {
      tell: (id) => send({ kind: 'ended', id }),
      listen: (listener) => {
        const entry = (id: string) => listener(id)
        listeners.add(entry)
        return () => listeners.delete(entry)
      },
    },
    serve: (methods) => {
      parent.onMessage((received) => {
        const message = received as ToWorker
        if (message.kind === 'call') {
          void answer(methods, message.call, message.method, message.argument)
        } else {
          for (const listener of listeners) listener(message.id)
        }
      })
      send({ kind: 'hello' })
    },
  }
}
