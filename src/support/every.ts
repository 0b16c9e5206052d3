/** Repeated work, passed in like the clock so that tests run it when they choose. */

/** Runs `task` every `ms` milliseconds until the returned function is called. */
export type Every = (ms: number, task: () => void) => () => void

/** Real time. The timer does not keep the process alive. */
export const every: Every = (ms, task) => {
  const timer = setInterval(task, ms).unref()
  return () => clearInterval(timer)
}
