/** The rate limits of Okta's management API: a window of a minute for each bucket, told in headers. */

/** Calls a minute, as in Okta's older public table. */
export interface RateLimits {
  /** `GET /api/v1/users/{id}` */
  readonly user: number
  /** `GET /api/v1/groups` */
  readonly groups: number
  /** Everything else, `/users/{id}/groups` among it. */
  readonly other: number
}

export const WORKFORCE_LIMITS: RateLimits = { user: 2_000, groups: 500, other: 1_200 }

const WINDOW_MS = 60_000

export interface RateLimiter {
  /** Counts a call; `allowed` is false where the window is used up. */
  take(bucket: keyof RateLimits): {
    readonly allowed: boolean
    readonly headers: Readonly<Record<string, string>>
  }
}

export function createRateLimiter(limits: () => RateLimits, now: () => number): RateLimiter {
  const windows = new Map<keyof RateLimits, { startedAt: number; used: number }>()
  return {
    take: (bucket) => {
      const time = now()
      let window = windows.get(bucket)
      if (window === undefined || time >= window.startedAt + WINDOW_MS) {
        window = { startedAt: time, used: 0 }
        windows.set(bucket, window)
      }
      const limit = limits()[bucket]
      const allowed = window.used < limit
      if (allowed) window.used++
      return {
        allowed,
        headers: {
          'x-rate-limit-limit': String(limit),
          'x-rate-limit-remaining': String(limit - window.used),
          'x-rate-limit-reset': String(Math.ceil((window.startedAt + WINDOW_MS) / 1_000)),
        },
      }
    },
  }
}
