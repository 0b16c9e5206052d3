/** Many changes at once make one reload: it waits a moment for more, and leaves time between one and the next. */

export interface Batches {
  changed(): void
  close(): void
}

/** So long without a further change, in milliseconds, and the reload begins. */
const SETTLE_MS = 50
/** So long after the first one it begins whatever comes. */
const MOST_MS = 300
/** After a reload it rests for as long as that took, so that half of the time is for requests; but no longer than this. */
const MOST_REST_MS = 1_000

/** @param reload must not reject */
export function createBatches(reload: () => Promise<unknown>): Batches {
  let timer: NodeJS.Timeout | undefined
  let firstAt: number | undefined
  let notBefore = 0
  let isRunning = false
  let isClosed = false

  const begin = async () => {
    firstAt = undefined
    timer = undefined
    isRunning = true
    const begun = performance.now()
    await reload()
    const ended = performance.now()
    notBefore = ended + Math.min(ended - begun, MOST_REST_MS)
    isRunning = false
    if (firstAt !== undefined) arm()
  }
  const arm = () => {
    if (isRunning || isClosed) return
    const now = performance.now()
    const latest = (firstAt ?? now) + MOST_MS
    const at = Math.max(Math.min(now + SETTLE_MS, latest), notBefore)
    clearTimeout(timer)
    timer = setTimeout(() => void begin(), Math.max(0, at - now))
  }
  return {
    changed: () => {
      firstAt ??= performance.now()
      arm()
    },
    close: () => {
      isClosed = true
      clearTimeout(timer)
    },
  }
}
