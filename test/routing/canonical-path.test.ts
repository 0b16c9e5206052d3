/** Paths: what is refused, what is made canonical, and that what is sent is what is judged. */

import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { test } from 'tap'
import { type CanonicalPath, canonicalPath } from '../../src/routing/canonical.ts'

const canonical: Record<string, [target: string, encoded: string, decoded?: string]> = {
  'a plain path stays': ['/a/b-c_d~e.f', '/a/b-c_d~e.f'],
  'the root stays': ['/', '/'],
  'a final slash stays': ['/a/', '/a/'],
  'sub-delimiters stay': ["/a!$&'()*+,;=:@b", "/a!$&'()*+,;=:@b"],
  'other printable ASCII is sent as written': ['/a"<>[]^`{|}', '/a"<>[]^`{|}'],
  'repeated slashes become one': ['//a///b//', '/a/b/'],
  'encoded unreserved characters are decoded': ['/%61%2D%2e%5f%7E%30', '/a-._~0'],
  'hex digits become upper case': ['/a%3ab%c3%a9', '/a%3Ab%C3%A9', '/a:bé'],
  'an encoded space stays encoded': ['/a%20b', '/a%20b', '/a b'],
  'an encoded question mark is part of the path': ['/what%3F', '/what%3F', '/what?'],
  'an encoded number sign is part of the path': ['/a%23b', '/a%23b', '/a#b'],
  'an encoded percent sign is decoded once': ['/%2561', '/%2561', '/%61'],
  'doubly encoded dots are a name': ['/%252e%252e/x', '/%252e%252e/x', '/%2e%2e/x'],
  'a full-width slash is a character': ['/a%ef%bc%8fb', '/a%EF%BC%8Fb', '/a／b'],
  'four bytes are one character': ['/%f0%9f%98%80', '/%F0%9F%98%80', '/😀'],
  'the highest character': ['/%F4%8F%BF%BF', '/%F4%8F%BF%BF', '/\u{10ffff}'],
  'characters that look alike stay apart': ['/cafe%CC%81', '/cafe%CC%81', '/cafe\u0301'],
  'three dots are a name': ['/.../x', '/.../x'],
  'names that begin with dots': ['/.well-known/..x/.y', '/.well-known/..x/.y'],
  'parameters of a name': ['/a;x=1/b;..', '/a;x=1/b;..'],
  'a plus is a plus': ['/a+b', '/a+b'],
  'absolute form': ['http://a.example/x%41', '/xA'],
  'absolute form with another scheme and case': ['HTTPS://a.example:8/x', '/x'],
  'absolute form without a path': ['http://a.example', '/'],
}
for (const [name, [target, encoded, decoded = encoded]] of Object.entries(canonical)) {
  test(`canonicalPath: ${name}`, async (t) => {
    t.same(canonicalPath(target, false), { kind: 'path', encoded, decoded, query: '' })
  })
}

const kept: Record<string, [target: string, encoded: string, decoded?: string]> = {
  'an encoded slash stays, in upper case': ['/x%2fy', '/x%2Fy'],
  'an encoded backslash stays, in upper case': ['/x%5cy', '/x%5Cy'],
  'and the percent sign with them': ['/50%25', '/50%25'],
  'so a doubly encoded slash is no kept one': ['/x%252Fy', '/x%252Fy'],
  'other characters are decoded': ['/a%20b%2fc', '/a%20b%2Fc', '/a b%2Fc'],
  'kept slashes are not made one': ['/a%2f%2Fb', '/a%2F%2Fb'],
  'three dots between kept slashes': ['/x%2F...%2Fy', '/x%2F...%2Fy'],
}
for (const [name, [target, encoded, decoded = encoded]] of Object.entries(kept)) {
  test(`canonicalPath with kept slashes: ${name}`, async (t) => {
    t.same(canonicalPath(target, true), { kind: 'path', encoded, decoded, query: '' })
  })
}

const queries = { '/a?x=/../%zz\\': '?x=/../%zz\\', '/?': '?', '//a?//b?c': '?//b?c' }
for (const [target, query] of Object.entries(queries)) {
  test(`canonicalPath leaves the query of ${target} as it is`, async (t) => {
    t.match(canonicalPath(target, false), { kind: 'path', query })
  })
}
test('canonicalPath finds the query of a target without a path', async (t) => {
  t.same(canonicalPath('http://a.example?x', false), {
    kind: 'path',
    encoded: '/',
    decoded: '/',
    query: '?x',
  })
})

const refused: Record<string, string> = {
  'an empty target': '',
  'a target without a slash': 'admin',
  'the asterisk': '*',
  'authority form': 'a.example:443',
  'another scheme': 'ftp://a.example/x',
  'a scheme without slashes': 'http:/a',
  'dot dot': '/public/../admin',
  'dot dot at the end': '/public/..',
  'one dot': '/a/./b',
  'encoded dots': '/public/%2e%2e/admin',
  'encoded dots in upper case': '/public/%2E%2E/admin',
  'half-encoded dots': '/public/.%2e/admin',
  'one encoded dot': '/a/%2e',
  'dots behind repeated slashes': '/a//../b',
  'dots in front of repeated slashes': '/a/..//b',
  'dots with parameters': '/a/..;x/b',
  'dots with empty parameters': '/a/.;/b',
  'dots with encoded parameters': '/a/..%3bx/b',
  'encoded dots with parameters': '/a/%2e%2e;/b',
  'an encoded slash': '/a%2fb',
  'an encoded slash in upper case': '/a%2Fb',
  'an encoded backslash': '/a%5cb',
  'a backslash': '/a\\b',
  'dots with a backslash': '/a\\..\\b',
  'an encoded NUL': '/a%00',
  'an encoded control': '/a%1fb',
  'an encoded line feed': '/a%0ab',
  'an encoded DEL': '/a%7f',
  'a raw control': '/a\x01',
  'a raw tab': '/a\tb',
  'a raw DEL': '/a\x7f',
  'a raw space': '/a b',
  'a raw number sign': '/admin#/public',
  'a raw byte past ASCII': '/caf\xe9',
  'a control in the query': '/a?x\x00',
  'a space in the query': '/a?x y',
  'a number sign in the query': '/a?x#y',
  'a byte past ASCII in the query': '/a?\xff',
  'a lone percent sign': '/a%',
  'one hex digit': '/a%4',
  'no hex digits': '/a%zz',
  'a full-width digit': '/a%\uff11\uff11',
  'a continuation byte alone': '/%80',
  'a cut sequence': '/caf%c3',
  'a cut sequence and more': '/caf%c3/x',
  'a sequence cut by a plain character': '/%e2%82x',
  'an overlong slash': '/%c0%af',
  'an overlong slash of three bytes': '/%e0%80%af',
  'an overlong dot of four bytes': '/%f0%80%80%ae',
  'a surrogate': '/%ed%a0%80',
  'past the last character': '/%f4%90%80%80',
  'a byte that begins nothing': '/%ff',
}
for (const [name, target] of Object.entries(refused)) {
  test(`canonicalPath refuses ${name}`, async (t) => {
    t.match(canonicalPath(target, false), { kind: 'refused', detail: /^[a-z]/ })
  })
}

const refusedKept: Record<string, string> = {
  'dots between kept slashes': '/x%2F..%2Fadmin',
  'dots between a slash and a kept one': '/..%2fx',
  'dots between a kept slash and the end': '/x%2f..',
  'one dot behind a kept backslash': '/x%5c.%2Fy',
  'encoded dots behind a kept backslash': '/x%5c%2e%2E/admin',
  'dots with parameters behind a kept slash': '/x%2f..;a%2fy',
  'a raw backslash': '/a\\b',
  'an encoded NUL': '/%00',
}
for (const [name, target] of Object.entries(refusedKept)) {
  test(`canonicalPath with kept slashes refuses ${name}`, async (t) => {
    t.match(canonicalPath(target, true), { kind: 'refused' })
  })
}

/** Pieces that meet each other in all orders: what a path is made of when somebody tries to be clever. */
const piece = fc.oneof(
  fc.constantFrom('/', '/', '//', '.', '..', '...', ';', '%2e', '%2E', '%2f', '%5C', '%25', '%'),
  fc.constantFrom('a', 'B', '~', '%61', '%7e', '%20', '%3f', '%23', '?', '\\', '%c3%a9', '%80'),
  fc.integer({ min: 0, max: 255 }).map((byte) => `%${byte.toString(16).padStart(2, '0')}`),
  fc.string({ unit: 'binary-ascii', maxLength: 3 }),
  fc.string({ unit: 'binary', maxLength: 2 }).map(encodeUtf8),
)
const target = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`)

function encodeUtf8(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}

/** What is wrong with a path that was accepted; nothing: the two spellings are one path, and a harmless one. */
function faultOf(text: string, keep: boolean, path: CanonicalPath): string | undefined {
  const { encoded, decoded, query } = path
  if (!isDeepStrictEqual(canonicalPath(encoded + query, keep), path)) return 'not stable'
  const plain = keep ? encoded.replace(/%(2F|5C|25)/g, '%25$1') : encoded
  if (decodeURIComponent(plain) !== decoded) return 'judged otherwise than sent'
  if (/\/\/|[^\x21-\x7e]|#|\\|%(?![0-9A-F]{2})/.test(encoded)) return 'not canonical'
  if (query !== (/\?.*$/.exec(text)?.[0] ?? '')) return 'another query'
  const segments = decoded.split(keep ? /\/|%2F|%5C/ : '/')
  return segments.some((segment) => /^\.\.?(;|$)/.test(segment)) ? 'a dot segment' : undefined
}

test('what is sent and what is judged is one path, whatever came', async (t) => {
  const property = fc.property(target, fc.boolean(), (text, keep) => {
    const path = canonicalPath(text, keep)
    const fault = path.kind === 'path' ? faultOf(text, keep, path) : undefined
    if (fault !== undefined) throw new Error(fault)
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 5_000 }))
})

test('a browser reads what is sent as the path that was judged', async (t) => {
  const property = fc.property(target, (text) => {
    const path = canonicalPath(text, false)
    if (path.kind === 'refused') return true
    const read = canonicalPath(new URL(`http://a.example${path.encoded}`).pathname, false)
    return read.kind === 'path' && read.decoded === path.decoded
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2_000 }))
})
