/** Values of `set_request_headers`: plain text, with references that are filled in for each session. */

import { type ClaimLookup, compileClaimPath } from '../language/claim-path.ts'
import type { HeaderPart } from '../route.ts'

type TokenName = 'jwt' | 'id_token' | 'access_token'

/** The assertion and the provider's tokens; Pomerium's names for them mean ours. */
const TOKENS: ReadonlyMap<string, TokenName> = new Map([
  ['jwt', 'jwt'],
  ['id_token', 'id_token'],
  ['access_token', 'access_token'],
  ['pomerium.jwt', 'jwt'],
  ['pomerium.id_token', 'id_token'],
  ['pomerium.access_token', 'access_token'],
])

const KNOWN = `\`\${claim.NAME}\`, \`\${jwt}\`, \`\${id_token}\` and \`\${access_token}\``
/** `$${` is a literal `${`. */
const PIECES = /\$\$\{|\$\{([^}]*)(\}?)/g
const PRINTABLE = /^[\x20-\x7e]*$/

/** What is wrong with text that is sent in a header as it is written. */
export function refuseHeaderText(text: string): string | undefined {
  if (!PRINTABLE.test(text)) {
    return 'a header value is printable ASCII; other characters are sent percent-encoded'
  }
  return text !== text.trim() ? 'a header value neither begins nor ends with a space' : undefined
}

/** The parts of a value; a text says what is wrong with it. */
export function readTemplate(text: string): readonly HeaderPart[] | string {
  const wrong = refuseHeaderText(text)
  if (wrong !== undefined) return wrong
  if (/\$pomerium\./.test(text)) return `a reference stands in braces: ${KNOWN}`
  const parts: HeaderPart[] = []
  let plain = ''
  let copied = 0
  for (const match of text.matchAll(PIECES)) {
    plain += text.slice(copied, match.index)
    copied = match.index + match[0].length
    if (match[0] === '$${') {
      plain += '${'
      continue
    }
    const part = match[2] === '}' ? readReference(match[1] ?? '') : `a \`\${\` without its \`}\``
    if (typeof part === 'string') return part
    if (plain !== '') parts.push({ kind: 'text', text: plain })
    plain = ''
    parts.push(part)
  }
  plain += text.slice(copied)
  if (plain !== '') parts.push({ kind: 'text', text: plain })
  return parts
}

function readReference(written: string): HeaderPart | string {
  const name = written.trim()
  const token = TOKENS.get(name)
  if (token !== undefined) return { kind: token }
  if (!name.startsWith('claim.')) return `\`\${${written}}\` is not known; there are ${KNOWN}`
  const claim = name.slice('claim.'.length)
  const lookUp: ClaimLookup | undefined = claim === '' ? undefined : compileClaimPath(claim)
  return lookUp === undefined
    ? `\`\${claim.NAME}\` takes the name of a claim, as in \`\${claim.department}\``
    : { kind: 'claim', name: claim, lookUp }
}
