/** Comparing without regard to case, for A to Z only: U+212A is not a k, and no locale has a say. */

/** `text` with A to Z in lower case; the same string where there is none, so that the hot path allocates nothing. */
export function foldAscii(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 65 && code <= 90) return text.replace(/[A-Z]+/g, (run) => run.toLowerCase())
  }
  return text
}

/** Whether `text`, from `start` on, is `folded` (already in lower case) but for the case of A to Z. */
export function equalsFolded(text: string, folded: string, start = 0): boolean {
  if (text.length - start !== folded.length) return false
  for (let i = 0; i < folded.length; i++) {
    const code = text.charCodeAt(start + i)
    const lower = code >= 65 && code <= 90 ? code + 32 : code
    if (lower !== folded.charCodeAt(i)) return false
  }
  return true
}

/** What stands behind the one `@` of an e-mail, in lower case; an address with other than one has no domain. */
export function emailDomain(email: string): string | undefined {
  const at = email.indexOf('@')
  if (at < 0 || email.indexOf('@', at + 1) >= 0 || at + 1 === email.length) return undefined
  return foldAscii(email.slice(at + 1))
}
