/** Pomerium's demand for client certificates, which here is a question of the server and a rule of the routes. */

import { COMMENT_OUT, type DraftEntry, entry, literal } from './draft.ts'
import type { Settings } from './settings.ts'

export interface ClientCertificates {
  /** For `server`. */
  readonly entries: readonly DraftEntry[]
  /** Whether whoever shows none is refused on all routes. */
  readonly needed: boolean
}

/** Takes `downstream_mtls` and its older names. */
export function translateClientCertificates(settings: Settings): ClientCertificates {
  const setting = settings.take('downstream_mtls')
  const section = setting === undefined ? undefined : settings.inside(setting)
  const oldFile = settings.text('client_ca_file')
  const oldText = settings.take('client_ca')
  const file = section?.text('ca_file') ?? oldFile
  const text = section?.take('ca') ?? oldText
  const enforcement = section?.text('enforcement')
  const isAsked = file !== undefined || text !== undefined
  if (text !== undefined)
    settings.note('left-out', text, 'write it to the file of `server.client_ca`')
  for (const one of section?.rest() ?? []) {
    settings.note(
      'left-out',
      one,
      'a certificate counts by its signature; list fingerprints in a deny rule',
    )
  }
  if (!isAsked) return { entries: [], needed: false }
  const needed = enforcement?.value.toLowerCase() !== 'policy'
  if (enforcement !== undefined) {
    const how = needed
      ? 'a deny rule that every route uses demands it'
      : 'nothing but the policies demands it'
    settings.note('differs', enforcement, `the certificate is asked for, and ${how}`)
  }
  if (file === undefined) return { entries: [], needed }
  const comments = file.value.startsWith('/')
    ? []
    : [settings.note('differs', file, 'a relative path starts at the folder of this file')]
  const options = { origin: file, comments, fallbacks: [COMMENT_OUT] }
  return { entries: [entry('client_ca', literal(file.value), options)], needed }
}
