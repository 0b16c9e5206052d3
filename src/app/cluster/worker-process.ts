/** One worker as the primary sees it: a process that is asked to do things, and that may be gone at any time. */

import cluster from 'node:cluster'
import type { Readable } from 'node:stream'
import type { WorkerProgram } from '../gateway.ts'
import {
  type Argument,
  DECISIONS_FD,
  type FromWorker,
  type Returned,
  type ToWorker,
  type WorkerMethod,
} from './messages.ts'

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

export interface WorkerProcess {
  readonly pid: number
  /** Resolves once it listens to us; never where it ends before. */
  readonly greeted: Promise<void>
  readonly exited: Promise<Exit>
  /** Lines of the decision log. */
  readonly decisions: Readable
  /**
   * Sent before this returns. Rejects with WorkerGone where it ends before it has answered, with WorkerFailed where it
   * says that it cannot, or does not answer within `ms`.
   */
  call<M extends WorkerMethod>(method: M, argument: Argument<M>, ms?: number): Promise<Returned<M>>
  tellEnded(id: string): void
  onEnded(listener: (id: string) => void): void
  /** Calls `listener` with each line of the audit log. */
  onAudit(listener: (line: string) => void): void
  kill(): void
}

/** There is nobody to answer any more. */
export class WorkerGone extends Error {
  constructor({ code, signal }: Exit) {
    super(`a worker has ended with ${signal ?? `code ${code}`}`)
  }
}

/** Its message is a sentence for people. */
export class WorkerFailed extends Error {}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (cause: Error) => void
}

export function forkWorker({ file, args, execArgv }: WorkerProgram): WorkerProcess {
  cluster.setupPrimary({
    exec: file,
    args: [...args],
    execArgv: [...execArgv],
    // Buffers and maps go as they are.
    serialization: 'advanced',
    stdio: ['inherit', 'inherit', 'inherit', 'ipc', 'pipe'],
  })
  const worker = cluster.fork()
  const greeted = Promise.withResolvers<void>()
  const exited = Promise.withResolvers<Exit>()
  const waiting = new Map<number, Waiting>()
  const listeners = new Set<(id: string) => void>()
  const auditors = new Set<(line: string) => void>()
  let calls = 0
  let exit: Exit | undefined

  const settle = (call: number): Waiting | undefined => {
    const one = waiting.get(call)
    waiting.delete(call)
    return one
  }
  worker.on('message', (message: FromWorker) => {
    switch (message.kind) {
      case 'hello':
        return greeted.resolve()
      case 'returned':
        return settle(message.call)?.resolve(message.value)
      case 'failed':
        return settle(message.call)?.reject(new WorkerFailed(message.message))
      case 'ended':
        for (const listener of listeners) listener(message.id)
        return
      case 'audit':
        for (const auditor of auditors) auditor(message.line)
    }
  })
  // It could not be started, or spoken to; its end follows, or is there.
  worker.on('error', () => undefined)
  worker.on('exit', (code: number | null, signal: string | null) => {
    exit = { code, signal }
    for (const { reject } of waiting.values()) reject(new WorkerGone(exit))
    waiting.clear()
    exited.resolve(exit)
  })
  const send = (message: ToWorker) => {
    // Who is gone is told by `exit`.
    if (worker.isConnected()) worker.send(message, () => undefined)
  }
  return {
    pid: worker.process.pid ?? 0,
    greeted: greeted.promise,
    exited: exited.promise,
    decisions: worker.process.stdio[DECISIONS_FD] as Readable,
    call: <M extends WorkerMethod>(method: M, argument: Argument<M>, ms?: number) => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      if (exit !== undefined) return Promise.reject(new WorkerGone(exit))
      const call = calls++
      waiting.set(call, { resolve, reject })
      send({ kind: 'call', call, method, argument })
      const late = () =>
        settle(call)?.reject(new WorkerFailed(`no answer within ${(ms ?? 0) / 1_000} seconds`))
      const timer = ms === undefined ? undefined : setTimeout(late, ms)
      return promise.finally(() => clearTimeout(timer)) as Promise<Returned<M>>
    },
    tellEnded: (id) => send({ kind: 'ended', id }),
    onEnded: (listener) => {
      listeners.add(listener)
    },
    onAudit: (listener) => {
      auditors.add(listener)
    },
    kill: () => {
      worker.process.kill('SIGKILL')
    },
  }
}
