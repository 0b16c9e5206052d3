/** What happens once, however often it is asked for. */

/** The second call waits for the first. */
export function once<A extends unknown[]>(
  run: (...args: A) => Promise<void>,
): (...args: A) => Promise<void> {
  let running: Promise<void> | undefined
  return (...args) => {
    running ??= run(...args)
    return running
  }
}
