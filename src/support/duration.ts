/** Durations as people write them in config and policy files: `30s`, `15m`, `8h`, `7d`. */

export const DURATION_PATTERN = '^(0|[1-9][0-9]{0,8})(ms|s|m|h|d)$'

const DURATION = new RegExp(DURATION_PATTERN)
const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** The milliseconds that `text` means, or `undefined` where it is no duration. */
export function parseDurationMs(text: string): number | undefined {
  const match = DURATION.exec(text)
  if (match === null) return undefined
  return Number(match[1]) * MS_PER_UNIT[match[2] as keyof typeof MS_PER_UNIT]
}
