/** Who waits for an upstream, looked over together a few times a second: a timer for each would cost more than the wait. */

/** How late a deadline may be noticed. */
const INTERVAL_MS = 100

export interface Waiter {
  /** By `performance.now()`; Infinity: it waits for nothing. */
  readonly deadline: number
  /** The deadline has passed. */
  onDeadline(): void
}

export class Deadlines {
  readonly #waiters = new Set<Waiter>()
  #timer: NodeJS.Timeout | undefined

  add(waiter: Waiter): void {
    this.#waiters.add(waiter)
    this.#timer ??= setInterval(() => this.#look(), INTERVAL_MS).unref()
  }

  delete(waiter: Waiter): void {
    this.#waiters.delete(waiter)
    if (this.#waiters.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    const now = performance.now()
    for (const waiter of this.#waiters) {
      if (waiter.deadline >= now) continue
      // Timers come before what has arrived: whoever answered while this process was busy is heard first.
      setImmediate(() => this.#end(now))
      return
    }
  }

  #end(now: number): void {
    for (const waiter of this.#waiters) if (waiter.deadline < now) waiter.onDeadline()
  }
}
