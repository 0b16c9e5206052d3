/** Header fields as lines of HTTP/1.1, towards upstreams and clients alike: the last gate before the wire. RFC 9112 §5 */

import { isToken } from '../routing/canonical.ts'
import { flatText } from '../support/flat-text.ts'
import { UpstreamError } from './upstream/upstream-error.ts'

/** What would end a line, or is no character of one; headers have been judged by now. */
const UNSAFE_VALUE = /[^\t\x20-\x7e\x80-\xff]/
/** Names that have been looked at, and what stands between the last value and the one of that name; there are few. */
const MAX_NAMES = 2_000
const MAX_NAME_LENGTH = 64
const starts = new Map<string, string>()

/**
 * @param fields names and values in turn
 * @returns each as a line, behind the end of the line before it
 * @throws UpstreamError UNSENDABLE where one would end its line, or be none
 */
export function fieldLines(fields: readonly string[]): string {
  return flatText(addFields('', fields))
}

/** Appends to `head`, see `fieldLines`. The text stays one row of parts, see flatText. */
export function addFields(head: string, fields: readonly string[]): string {
  let text = head
  for (let i = 0; i < fields.length; i += 2) {
    const value = fields[i + 1] as string
    if (UNSAFE_VALUE.test(value)) throw unsendable(fields[i] as string)
    text += startOf(fields[i] as string)
    text += value
  }
  return text
}

/** True where nothing in it would end its line. */
export function isSafeValue(value: string): boolean {
  return !UNSAFE_VALUE.test(value)
}

function startOf(name: string): string {
  let start = starts.get(name)
  if (start === undefined) {
    if (!isToken(name)) throw unsendable(name)
    start = flatText(`\r\n${name}: `)
    // A copy: the name is a slice of a whole head, which the map would keep alive.
    if (starts.size < MAX_NAMES && name.length <= MAX_NAME_LENGTH) starts.set(flatText(name), start)
  }
  return start
}

function unsendable(name: string): UpstreamError {
  return new UpstreamError('UNSENDABLE', `the header \`${name}\` cannot be sent`)
}
