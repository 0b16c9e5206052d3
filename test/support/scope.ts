/** Where helpers leave what has to be stopped: a test, or a command that runs without one. */

export interface Scope {
  /** `stop` is called at the end, the last one that was given first. */
  teardown(stop: () => unknown): void
}

/** Runs `use`, and stops whatever it has started, however it ends. */
export async function withScope<T>(use: (scope: Scope) => Promise<T>): Promise<T> {
  const stops: (() => unknown)[] = []
  try {
    return await use({ teardown: (stop) => stops.push(stop) })
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}
