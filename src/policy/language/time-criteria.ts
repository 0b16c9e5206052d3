/** Criteria about the moment of the request. The clock is data: `facts.now`. */

import type { EpochMs } from '../../support/time.ts'
import type { YamlEntry, YamlMap, YamlNode } from '../../support/yaml-node.ts'
import { type CriterionPart, FALSE, TRUE } from '../compiled-policy.ts'
import type { Facts } from '../model.ts'
import type { CriterionBody, CriterionCompiler, CriterionContext } from './criterion.ts'
import type { Report } from './matchers.ts'
import { DAY_MS, parseDays, parseInstant, parseTimeOfDay } from './time-texts.ts'
import type { ZoneOffset } from './time-zone.ts'

/** A time was asked for in a policy test that says nothing of it. The gateway always does. */
export class MissingNowError extends Error {
  constructor() {
    super('a rule asks for the time, and the test has no `now`')
    this.name = 'MissingNowError'
  }
}

function timePart(text: string, holds: (now: EpochMs) => boolean): CriterionPart {
  return {
    kind: 'time',
    evaluate: (facts: Facts) => {
      if (facts.now === undefined) throw new MissingNowError()
      return holds(facts.now) ? TRUE : FALSE
    },
    describe: (wanted) => (wanted ? text : `not ${text}`),
  }
}

/** `date: { after, before }`, both bounds excluded. */
export const date: CriterionCompiler = (data, { report }) => {
  const fields = readFields(data, 'date', ['after', 'before'], '{ after: 2026-03-01 }', report)
  if (fields === undefined) return undefined
  const after = readBound(fields.after, parseInstant, DATE_FORM, report)
  const before = readBound(fields.before, parseInstant, DATE_FORM, report)
  if (after === undefined || before === undefined) return undefined
  if (after === null && before === null) {
    return report(data.at, '`date` needs `after`, `before` or both')
  }
  if (after !== null && before !== null && after >= before) {
    return report(data.at, 'the window ends before it begins; nothing is ever inside')
  }
  const from = after ?? Number.NEGATIVE_INFINITY
  const until = before ?? Number.POSITIVE_INFINITY
  const text = windowText('a date', fields)
  return { parts: [timePart(text, (now) => now > from && now < until)], clock: 'instant' }
}

const DATE_FORM = 'a date is written `2026-03-01`, `2026-03-01T09:00:00Z` or with an offset'

/** `day_of_week: mon-fri`, or with a zone `{ days: mon-fri, timezone: Europe/Berlin }`. */
export const dayOfWeek: CriterionCompiler = (data, context) => {
  if (data.kind !== 'map') {
    const days = readDays(data, context.report)
    return days === undefined ? undefined : daysBody(days, () => 0, 'UTC', 'bare')
  }
  const form = '{ days: mon-fri, timezone: Europe/Berlin }'
  const fields = readFields(data, 'day_of_week', ['days', 'timezone'], form, context.report)
  if (fields === undefined) return undefined
  if (fields.days === undefined) {
    return context.report(data.at, '`day_of_week` needs `days`, as in `days: mon-fri`')
  }
  const days = readDays(fields.days.value, context.report)
  if (fields.timezone === undefined) {
    return days === undefined ? undefined : daysBody(days, () => 0, 'UTC', 'bare')
  }
  const zone = readZone(fields.timezone.value, context)
  if (days === undefined || zone === undefined) return undefined
  return daysBody(days, zone.offset, zone.name, 'zoned')
}

const WEEK = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const THURSDAY = 4

function daysBody(
  days: ReadonlySet<number>,
  offset: ZoneOffset,
  zone: string,
  clock: 'bare' | 'zoned',
): CriterionBody {
  const wanted = [0, 1, 2, 3, 4, 5, 6].map((day) => days.has(day))
  const names = WEEK.filter((_, i) => wanted[(i + 1) % 7])
  const text = `a ${names.join(' or ')} (${zone})`
  // 1970-01-01 was a Thursday. Small whole numbers are not allocated, which is what `| 0` is for.
  const holds = (now: EpochMs): boolean => {
    const day = ((Math.floor((now + offset(now)) / DAY_MS) + THURSDAY) % 7) | 0
    return wanted[day < 0 ? day + 7 : day] === true
  }
  return { parts: [timePart(text, holds)], clock }
}

function readDays(data: YamlNode, report: Report): ReadonlySet<number> | undefined {
  const items = data.kind === 'list' ? data.items : [data]
  if (items.length === 0) return report(data.at, 'an empty list of days never holds')
  const all = new Set<number>()
  let broken = false
  for (const item of items) {
    const days =
      item.kind === 'scalar' && typeof item.value === 'string'
        ? parseDays(item.value)
        : '`day_of_week` takes days such as `mon-fri`, `sat,sun` or `"*"`'
    if (typeof days === 'string') {
      report(item.at, days)
      broken = true
    } else {
      for (const day of days) all.add(day)
    }
  }
  return broken ? undefined : all
}

/** `time_of_day: { timezone, after, before }` by the wall clock of the zone, both bounds excluded. */
export const timeOfDay: CriterionCompiler = (data, context) => {
  const { report } = context
  const form = '{ timezone: Europe/Berlin, after: "08:00", before: "18:00" }'
  const fields = readFields(data, 'time_of_day', ['timezone', 'after', 'before'], form, report)
  if (fields === undefined) return undefined
  if (fields.timezone === undefined) {
    return report(data.at, '`time_of_day` needs `timezone`, as in `timezone: Europe/Berlin`')
  }
  const zone = readZone(fields.timezone.value, context)
  const after = readBound(fields.after, parseTimeOfDay, TIME_FORM, report)
  const before = readBound(fields.before, parseTimeOfDay, TIME_FORM, report)
  if (zone === undefined || after === undefined || before === undefined) return undefined
  if (after === null && before === null) {
    return report(data.at, '`time_of_day` needs `after`, `before` or both')
  }
  if (after === before) {
    return report(data.at, '`after` and `before` are the same time; nothing is ever between them')
  }
  const inWindow = window(after, before)
  const text = `${windowText('a time', fields)} (${zone.name})`
  const holds = (now: EpochMs): boolean => {
    const wall = ((now + zone.offset(now)) % DAY_MS) | 0
    return inWindow(wall < 0 ? wall + DAY_MS : wall)
  }
  return { parts: [timePart(text, holds)], clock: 'zoned' }
}

const TIME_FORM = 'a time is a text such as `"08:00"`, `"17:30:15"`, `8 AM` or `8:15 PM`'

function window(after: number | null, before: number | null): (wall: number) => boolean {
  if (before === null) return (wall) => wall > (after ?? -1)
  if (after === null) return (wall) => wall < before
  if (after < before) return (wall) => wall > after && wall < before
  // Over midnight.
  return (wall) => wall > after || wall < before
}

function windowText(what: string, fields: Fields): string {
  const bounds = ['after', 'before'].flatMap((name) => {
    const value = fields[name]?.value
    return value?.kind === 'scalar' ? [`${name} ${value.value}`] : []
  })
  return `${what} ${bounds.join(' and ')}`
}

function readZone(
  data: YamlNode,
  { report, zone }: CriterionContext,
): { readonly offset: ZoneOffset; readonly name: string } | undefined {
  if (data.kind !== 'scalar' || typeof data.value !== 'string' || data.value === '') {
    return report(data.at, '`timezone` takes a name such as `Europe/Berlin` or `UTC`')
  }
  const offset = zone(data.value)
  if (offset === undefined) {
    return report(
      data.at,
      `there is no time zone \`${data.value}\`; write one as \`Europe/Berlin\``,
    )
  }
  return { offset, name: data.value }
}

/** The bound; null where none is written; `undefined`, reported, where it cannot be read. */
function readBound(
  entry: YamlEntry | undefined,
  parse: (text: string) => number | undefined,
  form: string,
  report: Report,
): number | null | undefined {
  if (entry === undefined) return null
  const { value } = entry
  const bound =
    value.kind === 'scalar' && typeof value.value === 'string' ? parse(value.value) : undefined
  return bound === undefined ? report(value.at, form) : bound
}

type Fields = Readonly<Record<string, YamlEntry | undefined>>

function readFields(
  data: YamlNode,
  name: string,
  known: readonly string[],
  form: string,
  report: Report,
): Fields | undefined {
  if (data.kind !== 'map') return report(data.at, `\`${name}\` takes \`${form}\``)
  const unknown = unknownEntries(data, known)
  for (const { key, keyAt } of unknown) {
    report(keyAt, `unknown key \`${key}\` in \`${name}\`; it takes ${known.join(', ')}`)
  }
  return unknown.length > 0
    ? undefined
    : Object.fromEntries(data.entries.map((entry) => [entry.key, entry]))
}

function unknownEntries(data: YamlMap, known: readonly string[]): readonly YamlEntry[] {
  return data.entries.filter(({ key }) => !known.includes(key))
}
