/** `identity_headers` for a Pomerium file: what upstreams are told, by Pomerium's own names. */

import type { YamlNode } from '../../support/yaml-node.ts'
import { COMMENT_OUT, type DraftEntry, entry, map } from './draft.ts'
import { secretFile } from './pomerium-provider.ts'
import { type Setting, type Settings, textOf, textsOf } from './settings.ts'

/** Takes the keys about claims, groups and the signing key. */
export function translateIdentity(settings: Settings): DraftEntry {
  const claims = settings.take('jwt_claims_headers')
  const headers = claims === undefined ? [] : claimHeaders(claims, settings)
  const filter = settings.take('jwt_groups_filter', 'jwtgroupsfilter')
  const comments: string[] = []
  if (filter !== undefined) {
    const message =
      'an upstream is told of the groups that the policy of its route names, whichever those are'
    comments.push(settings.note('differs', filter, message))
  }
  const absent =
    headers.length === 0 ? { kind: 'map' as const, entries: [], inline: true } : map(headers)
  const absentComment = {
    at: claims?.at ?? settings.at,
    subject: 'jwt_claims_headers',
  }
  const message =
    'these alone, as in Pomerium; an absent claim is an absent header, there it is an empty one'
  return entry(
    'identity_headers',
    map([
      entry('preset', 'pomerium'),
      entry('headers', absent, { comments: [settings.note('differs', absentComment, message)] }),
      entry('groups', filter === undefined ? 'all' : 'named', { comments }),
      ...signingKey(settings),
    ]),
    { gap: true },
  )
}

function claimHeaders(claims: Setting, settings: Settings): readonly DraftEntry[] {
  const pairs = pairsOf(claims.value)
  if (pairs === undefined) {
    settings.note('left-out', claims, 'takes a list of claims, or headers with claims')
    return []
  }
  const seen = new Set<string>()
  return pairs.flatMap(([header, claim]) => {
    if (seen.has(header.toLowerCase())) return []
    seen.add(header.toLowerCase())
    return [entry(header, claim, { origin: claims, fallbacks: [COMMENT_OUT] })]
  })
}

/** Header and claim: `[email]` is `X-Pomerium-Claim-Email: email`. */
function pairsOf(node: YamlNode): readonly (readonly [string, string])[] | undefined {
  if (node.kind === 'map') {
    const pairs = node.entries.map(({ key, value }) => [key, textOf(value) ?? ''] as const)
    return pairs.every(([, claim]) => claim !== '') ? pairs : undefined
  }
  const names = textsOf(node)?.flatMap((text) => text.split(/\s+/))
  return names?.map((name) => [`X-Pomerium-Claim-${headerCase(name)}`, name] as const)
}

/** `given_name` as Pomerium writes it into a header's name: `Given-Name`. */
function headerCase(claim: string): string {
  const words = claim.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  return words.map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`).join('-')
}

/** The key of the assertion. Left out, a new one is made, and upstreams that fetch the public keys learn of it. */
function signingKey(settings: Settings): readonly DraftEntry[] {
  const file = settings.text('signing_key_file')
  const inFile = settings.take('signing_key')
  if (file !== undefined) {
    const comment = settings.note(
      'differs',
      file,
      'must be PEM; Pomerium takes base64 of PEM as well',
    )
    const written = secretFile('signing_key', file, settings)
    return [{ ...written, comments: [...written.comments, comment] }]
  }
  if (inFile === undefined) return []
  const message =
    'not copied; without it a new one is made. To keep it, write it to signing.pem as PEM (`base64 -d`) and take the # away'
  const comments = [settings.note('secret', inFile, message)]
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the config
  return [entry('signing_key', '${file:signing.pem}', { origin: inFile, comments, off: true })]
}
