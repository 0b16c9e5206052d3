/** Patterns that may match anywhere in a text, as patterns for the whole of it. */

/** What `pattern`, tried as Go does on any part of a text, is for RE2 over the whole of it. */
export function wholePattern(pattern: string): string {
  // With alternatives an anchor belongs to one of them, and is best left where it is.
  if (/[|]/.test(pattern)) return `.*(?:${pattern}).*`
  const starts = pattern.startsWith('^')
  const ends = /(?<!\\)(?:\\\\)*\$$/.test(pattern)
  const bare = pattern.slice(starts ? 1 : 0, ends ? -1 : undefined)
  const before = starts || bare.startsWith('.*') ? '' : '.*'
  const after = ends || endsOpen(bare) ? '' : '.*'
  return `${before}${bare}${after}`
}

function endsOpen(pattern: string): boolean {
  return /(?<!\\)(?:\\\\)*\.\*$/.test(pattern)
}

/** `$1` and `${1}` of a substitution, as `\1`. */
export function backReferences(text: string): string {
  return text.replace(/\$(?:\{(\d)\}|(\d))/g, (_, braced?: string, bare?: string) => {
    return `\\${braced ?? bare}`
  })
}
