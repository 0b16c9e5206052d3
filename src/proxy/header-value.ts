/** Claims and tokens as header values: sent so that they can be read back, or refused, never split. */

import { GatehouseError } from '../errors.ts'

/** A claim as it stands in `header`; `undefined` where there is nothing to send. @throws GatehouseError IDENTITY_UNSENDABLE */
export function headerValue(header: string, claim: unknown): string | undefined {
  if (Array.isArray(claim)) {
    const items = claim.map((item: unknown) => plainText(item)).filter((item) => item !== undefined)
    return items.length === 0
      ? undefined
      : items.map((item) => encode(header, item, true)).join(',')
  }
  const text = plainText(claim)
  return text === undefined ? undefined : encode(header, text, false)
}

/** Texts, numbers and booleans can be sent; an object has no agreed form in a header. */
function plainText(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return undefined
}

const SPACE = 0x20
const CONTROL = /\p{Cc}/u
const PLAIN = /^[\x21-\x24\x26-\x7e](?:[\x20-\x24\x26-\x7e]*[\x21-\x24\x26-\x7e])?$/

/** Printable ASCII except `%` as it is; all else, spaces at either end, and `,` in lists percent-encoded UTF-8. */
function encode(header: string, text: string, inList: boolean): string {
  if (CONTROL.test(text)) {
    throw new GatehouseError(
      'IDENTITY_UNSENDABLE',
      `the value for \`${header}\` has control characters`,
    )
  }
  if (PLAIN.test(text) && !(inList && text.includes(','))) return text
  // No ` +$` here: tried at every run of spaces it would take time in the square of their number.
  const end = text.length - endingSpaces(text)
  const start = end === 0 ? 0 : text.search(/[^ ]/)
  const inner = text.slice(start, end).toWellFormed()
  const unsafe = inList ? /[^\x20-\x24\x26-\x2b\x2d-\x7e]+/g : /[^\x20-\x24\x26-\x7e]+/g
  return (
    '%20'.repeat(start) + inner.replace(unsafe, percentEncode) + '%20'.repeat(text.length - end)
  )
}

function endingSpaces(text: string): number {
  let count = 0
  while (count < text.length && text.charCodeAt(text.length - 1 - count) === SPACE) count++
  return count
}

function percentEncode(text: string): string {
  let encoded = ''
  for (const byte of Buffer.from(text))
    encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  return encoded
}

/** A token goes as it is, or not at all: encoded it would be another one. */
export function tokenText(header: string, token: string | undefined): string | undefined {
  if (token === undefined || token === '') return undefined
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new GatehouseError('IDENTITY_UNSENDABLE', `the token for \`${header}\` cannot be sent`)
}
