/** Signals of the process, passed in like the clock: who ends a server, and how. */

export type SignalName = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR2'

export interface Signals {
  /** Calls `listener` each time until the returned function is called. */
  on(signal: SignalName, listener: () => void): () => void
}

export type StopSignal = Extract<SignalName, 'SIGTERM' | 'SIGINT'>

/** Resolves with the first signal that asks for an end. It listens from now on, so that none is lost during a start. */
export function firstStop(signals: Signals): Promise<StopSignal> {
  return new Promise((resolve) => {
    const offs = (['SIGTERM', 'SIGINT'] as const).map((signal) =>
      signals.on(signal, () => {
        for (const off of offs) off()
        resolve(signal)
      }),
    )
  })
}
