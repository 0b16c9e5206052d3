/** Header lines as they came, names and values in turn; names compare without regard to case. */

import { equalsFolded } from './fold.ts'

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export function isHeaderName(text: string): boolean {
  return TOKEN.test(text)
}

/** Whether a line of that name (in lower case) is there. */
export function hasHeader(rawHeaders: readonly string[], name: string): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (equalsFolded(rawHeaders[i] as string, name)) return true
  }
  return false
}

/** Whether `holds` is true of the value of one line of that name (in lower case). Lines are not split at commas. */
export function someHeader(
  rawHeaders: readonly string[],
  name: string,
  holds: (value: unknown) => boolean,
): boolean {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (equalsFolded(rawHeaders[i] as string, name) && holds(rawHeaders[i + 1])) return true
  }
  return false
}
