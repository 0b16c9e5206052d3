/** What servers behind a proxy make of a path that they are sent: as RFC 3986 has it, and as others are known to. */

/** By the name of the reading, the path that is acted on. */
export function readingsOf(target: string): ReadonlyMap<string, string> {
  const path = pathOf(target)
  const decoded = decodedOnce(path)
  const slashes = decoded.replaceAll('\\', '/')
  return new Map([
    [
      'as RFC 3986 normalises it',
      withoutDots(decodedOnce(path, /%(2d|2e|5f|7e|3\d|[46][1-9a-f]|[57][\da])/gi)),
    ],
    ['decoded first', withoutDots(decoded.replace(/\/+/g, '/'))],
    ['with backslashes as slashes', withoutDots(slashes.replace(/\/+/g, '/'))],
    // As servlet containers do. RFC 3986 §3.3 leaves parameters of a segment to the server.
    ['with parameters of dot segments cut', withoutDots(slashes.replace(/(\/\.\.?);[^/]*/g, '$1'))],
  ])
}

/** RFC 9112 §3.2: origin-form, or absolute-form, of which the authority is dropped. */
function pathOf(target: string): string {
  const path = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  return path.replace(/[?#][\s\S]*$/, '') || '/'
}

/** What can be decoded, once; percent signs that begin nothing stay. */
function decodedOnce(path: string, codes = /%[0-9a-f]{2}/gi): string {
  return path.replace(codes, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)))
}

/** RFC 3986 §5.2.4 */
function withoutDots(path: string): string {
  const kept: string[] = []
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  const isOpen = /\/\.{1,2}$/.test(path) && kept.at(-1) !== ''
  return `/${kept.join('/')}${isOpen && kept.length > 0 ? '/' : ''}`
}
