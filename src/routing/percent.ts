/** Percent-encoding in a path, read once and strictly: RFC 3986 §6.2.2 and UTF-8 by RFC 3629. */

/** One path in two spellings that mean the same. */
export interface ReadPath {
  readonly encoded: string
  readonly decoded: string
}

const SLASH = 0x2f
const BACKSLASH = 0x5c
const PERCENT = 0x25

/**
 * Decodes unreserved characters, writes hex digits in upper case, and decodes the whole once as UTF-8.
 * `path` is ASCII. Returns a text that says what is wrong where it cannot be read in exactly one way.
 */
export function readEscapes(path: string, keepEncodedSlashes: boolean): ReadPath | string {
  let encoded = ''
  let decoded = ''
  let copied = 0
  let at = path.indexOf('%')
  while (at !== -1) {
    const plain = path.slice(copied, at)
    const byte = byteAt(path, at)
    if (byte === -1) return 'malformed percent sign in the path'
    const length = utf8Length(byte)
    if (length === 0) return 'the path is not UTF-8'
    const char =
      length === 1 ? asciiChar(byte, keepEncodedSlashes) : readUtf8(path, at, byte, length)
    if (char === undefined) {
      return length === 1
        ? 'encoded control, slash or backslash in the path'
        : 'the path is not UTF-8'
    }
    const end = at + 3 * length
    encoded += plain + (isUnreserved(byte) ? char : path.slice(at, end).toUpperCase())
    decoded += plain + char
    copied = end
    at = path.indexOf('%', end)
  }
  const rest = path.slice(copied)
  return { encoded: encoded + rest, decoded: decoded + rest }
}

/** What an encoded ASCII byte stands for in the decoded path; `undefined` where it is refused. */
function asciiChar(byte: number, keepEncodedSlashes: boolean): string | undefined {
  if (byte < 0x20 || byte === 0x7f) return undefined
  if (byte === SLASH) return keepEncodedSlashes ? '%2F' : undefined
  if (byte === BACKSLASH) return keepEncodedSlashes ? '%5C' : undefined
  // With kept slashes a decoded `%25` beside `2F` would read as a kept slash: two paths would be one.
  if (byte === PERCENT) return keepEncodedSlashes ? '%25' : '%'
  return String.fromCharCode(byte)
}

/** How many bytes the UTF-8 sequence has that begins with `byte`; 0 where none does. */
function utf8Length(byte: number): number {
  if (byte < 0x80) return 1
  if (byte < 0xc2) return 0
  if (byte < 0xe0) return 2
  if (byte < 0xf0) return 3
  return byte < 0xf5 ? 4 : 0
}

/** The character of an encoded multi-byte sequence; `undefined` where it is cut, overlong, a surrogate or too large. */
function readUtf8(path: string, at: number, first: number, length: number): string | undefined {
  let point = first & (0xff >> (length + 1))
  for (let i = 1; i < length; i++) {
    const byte = byteAt(path, at + 3 * i)
    if (byte < 0x80 || byte > 0xbf) return undefined
    point = (point << 6) | (byte & 0x3f)
  }
  const least = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000
  if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined
  return String.fromCodePoint(point)
}

/** The byte that `%XX` at `at` stands for; -1 where there is no such triplet. */
function byteAt(path: string, at: number): number {
  if (path.charCodeAt(at) !== PERCENT) return -1
  const high = hexDigit(path.charCodeAt(at + 1))
  const low = hexDigit(path.charCodeAt(at + 2))
  return high === -1 || low === -1 ? -1 : high * 16 + low
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const folded = code | 0x20
  return folded >= 0x61 && folded <= 0x66 ? folded - 0x57 : -1
}

/** ALPHA / DIGIT / `-` `.` `_` `~`. RFC 3986 §2.3 */
function isUnreserved(byte: number): boolean {
  const folded = byte | 0x20
  if (byte < 0x80 && folded >= 0x61 && folded <= 0x7a) return true
  if (byte >= 0x30 && byte <= 0x39) return true
  return byte === 0x2d || byte === 0x2e || byte === 0x5f || byte === 0x7e
}
