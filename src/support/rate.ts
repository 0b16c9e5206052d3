/** Rates as people write them in config files: `5/m` is five in a minute. */

export const RATE_PATTERN = '^[1-9][0-9]{0,6}/[smhd]$'

const RATE = /^([1-9][0-9]{0,6})\/([smhd])$/
const SECONDS_PER_UNIT = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

/** So many in a window of so many seconds. */
export interface Rate {
  readonly count: number
  readonly seconds: number
}

/** The rate that `text` means, or `undefined` where it is none. */
export function parseRate(text: string): Rate | undefined {
  const match = RATE.exec(text)
  if (match === null) return undefined
  const seconds = SECONDS_PER_UNIT[match[2] as keyof typeof SECONDS_PER_UNIT]
  return { count: Number(match[1]), seconds }
}
