/** Whom a signal is about: subject identifiers (RFC 9493), in the formats by which sessions can be found. Pure. */

import type { IndexKind } from '../session-seals.ts'
import { TokenRefused } from './signed-token.ts'

/** What sessions are found by. */
export interface SessionsNamed {
  readonly by: IndexKind
  readonly value: string
}

/** Issuers that speak of the provider's people: its own, and that of its organisation. */
export type Issuers = readonly (string | undefined)[]

/**
 * The sessions that `subject` names; `undefined` where it is somebody of another issuer.
 * @throws TokenRefused where the format is none that is known here, or what belongs to it is missing
 */
export function readSubjectId(subject: unknown, issuers: Issuers): SessionsNamed | undefined {
  if (!isObject(subject)) throw new TokenRefused('the subject is no object')
  const { format, iss, sub, email } = subject
  switch (format) {
    case 'email':
      return { by: 'email', value: text(email, 'email') }
    case 'iss_sub': {
      const value = text(sub, 'sub')
      return issuers.includes(text(iss, 'iss')) ? { by: 'sub', value } : undefined
    }
    default:
      throw new TokenRefused('subjects are taken as `email` or `iss_sub`')
  }
}

/** As `readSubjectId`; of a subject in parts a session goes before the person (Shared Signals Framework §3.2). */
export function readEventSubject(subject: unknown, issuers: Issuers): SessionsNamed | undefined {
  if (!isObject(subject)) throw new TokenRefused('the event has no subject')
  const { format, session, user } = subject
  const isSimple = format !== undefined && format !== 'complex'
  if (isSimple || (session === undefined && user === undefined)) {
    return readSubjectId(subject, issuers)
  }
  if (isObject(session) && session['format'] === 'opaque') {
    return { by: 'sid', value: text(session['id'], 'id') }
  }
  return readSubjectId(user, issuers)
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new TokenRefused(`the subject has no \`${name}\``)
}
