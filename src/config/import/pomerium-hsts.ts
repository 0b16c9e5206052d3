/** Strict-Transport-Security of a Pomerium file: one header among others there, the key `hsts` here. */

import { COMMENT_OUT, type DraftEntry, entry } from './draft.ts'
import { durationText } from './go-duration.ts'
import type { Notes } from './notes.ts'
import { type Setting, textOf } from './settings.ts'

const NAME = 'strict-transport-security'

/**
 * `server.hsts` for the headers that the file adds to every answer. Where it names some and this is not among them,
 * Pomerium sends none; where it names none at all, ours is on as theirs is.
 */
export function serverHsts(headers: Setting | undefined, notes: Notes): readonly DraftEntry[] {
  if (headers === undefined) return []
  const written = hstsEntries(headers, notes)
  if (written !== undefined) return written
  const message =
    'no Strict-Transport-Security is among them, so Pomerium sends none; Gatehouse sends it unless it is told not to, which is safer'
  const comments = [notes.add('differs', headers.at, headers.subject, message)]
  return [entry('hsts', '0s', { origin: headers, comments })]
}

/** `hsts` for a route's own headers. */
export function routeHsts(headers: Setting | undefined, notes: Notes): readonly DraftEntry[] {
  return headers === undefined ? [] : (hstsEntries(headers, notes) ?? [])
}

/** `undefined` where the header is not there at all. */
function hstsEntries(headers: Setting, notes: Notes): readonly DraftEntry[] | undefined {
  const { value } = headers
  const header =
    value.kind === 'map' ? value.entries.find(({ key }) => key.toLowerCase() === NAME) : undefined
  if (header === undefined) return undefined
  const text = textOf(header.value) ?? ''
  const origin = { at: header.keyAt, subject: `${headers.subject}.${header.key}` }
  const seconds = /(?:^|;)\s*max-age\s*=\s*"?(\d{1,12})"?\s*(?:;|$)/i.exec(text)?.[1]
  if (seconds === undefined) {
    notes.add('left-out', origin.at, origin.subject, 'says no `max-age`, so there is no `hsts`')
    return []
  }
  const more = /;\s*[a-z]/i.test(text.replace(/max-age[^;]*;?\s*/i, ';'))
  const message = "Gatehouse's own pages say `max-age` alone, answers of apps all that is written"
  const comments = more ? [notes.add('differs', origin.at, origin.subject, message)] : []
  const ms = Number(seconds) * 1_000
  return [entry('hsts', durationText(ms), { origin, comments, fallbacks: [COMMENT_OUT] })]
}
