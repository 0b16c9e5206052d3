/** Dates, days and times of day as people write them in policies. */

import type { EpochMs } from '../../support/time.ts'

export const DAY_MS = 86_400_000

const INSTANT =
  /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/

/** ISO 8601 with a day at least; UTC where no offset is written. `undefined` where there is no such moment. */
export function parseInstant(text: string): EpochMs | undefined {
  const match = INSTANT.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0))
  const date = new Date(0)
  date.setUTCFullYear(year ?? 0, (month ?? 0) - 1, day ?? 0)
  if (date.getUTCMonth() + 1 !== month || date.getUTCDate() !== day) return undefined
  const clock = clockMs(hour ?? 0, minute ?? 0, second ?? 0, match[7])
  const offset = offsetMs(match[8])
  return clock === undefined || offset === undefined ? undefined : date.getTime() + clock - offset
}

function clockMs(
  hour: number,
  minute: number,
  second: number,
  fraction: string | undefined,
): number | undefined {
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const ms = fraction === undefined ? 0 : Number(`0.${fraction}`) * 1_000
  return ((hour * 60 + minute) * 60 + second) * 1_000 + ms
}

function offsetMs(text: string | undefined): number | undefined {
  if (text === undefined || text === 'Z') return 0
  const hours = Number(text.slice(1, 3))
  const minutes = Number(text.slice(3).replace(':', '') || 0)
  if (hours > 23 || minutes > 59) return undefined
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

const TIME = /^(\d{1,2})(?::(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?(?:\s*([ap])\.?m\.?)?$/i

/** Milliseconds since midnight that `8 AM`, `8:15 PM`, `20:15`, `20:15:01` or `20:15:01.5` mean. */
export function parseTimeOfDay(text: string): number | undefined {
  const match = TIME.exec(text.trim())
  if (match === null) return undefined
  const [, hourText, minuteText, secondText, fraction, half] = match
  if (half === undefined && minuteText === undefined) return undefined
  let hour = Number(hourText)
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return undefined
    hour = (hour % 12) + (half.toLowerCase() === 'p' ? 12 : 0)
  }
  return clockMs(hour, Number(minuteText ?? 0), Number(secondText ?? 0), fraction)
}

const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']

/** Days, Sunday being 0, of `mon-fri`, `sat,sun`, `Monday` or `*`; or what is wrong with the text. */
export function parseDays(text: string): readonly number[] | string {
  if (text.trim() === '*') return [0, 1, 2, 3, 4, 5, 6]
  const days: number[] = []
  for (const part of text.split(',')) {
    const [first, last, ...more] = part.split('-').map((name) => dayNamed(name.trim()))
    if (first === undefined || more.length > 0 || (last === undefined && part.includes('-'))) {
      return `\`${part.trim()}\` is no day; write \`mon\`, \`monday\`, \`mon-fri\` or \`sat,sun\``
    }
    // A range may go over the end of the week.
    for (let day = first; ; day = (day + 1) % 7) {
      days.push(day)
      if (day === (last ?? first)) break
    }
  }
  return days
}

function dayNamed(name: string): number | undefined {
  const lower = name.toLowerCase()
  const index = DAYS.findIndex((day) => day === lower || day.slice(0, 3) === lower)
  return index < 0 ? undefined : index
}
