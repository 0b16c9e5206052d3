/** A stand-in for `every` whose tasks run when the test says so. */

import type { Every } from '../../src/support/every.ts'

export interface ManualTimer {
  readonly every: Every
  tick(): void
  running(): number
}

export function manualTimer(): ManualTimer {
  const tasks = new Set<() => void>()
  return {
    every: (_ms, task) => {
      const entry = () => task()
      tasks.add(entry)
      return () => tasks.delete(entry)
    },
    tick: () => {
      for (const task of tasks) task()
    },
    running: () => tasks.size,
  }
}
