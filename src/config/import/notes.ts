/** What an import has to say: one note for everything that is not the same here, worded once for comment and summary. */

import type { Position } from '../../support/problem.ts'

/**
 * `decide`: as it is written now, people may get in, or something is exposed, that was not before.
 * `secret`: to be put into the environment. `differs`: written, but with another meaning. `left-out`: not written.
 */
export type NoteKind = 'decide' | 'secret' | 'differs' | 'left-out'

export interface Note {
  readonly kind: NoteKind
  readonly at: Position
  /** The key in the imported file, as in `routes[0].prefix`. */
  readonly subject: string
  readonly message: string
  /** As it stands in a file. */
  readonly comment: string
}

const LABELS: Readonly<Record<NoteKind, string>> = {
  decide: 'DECIDE',
  secret: 'SECRET',
  differs: 'DIFFERS',
  'left-out': 'LEFT OUT',
}

export interface Notes {
  readonly all: readonly Note[]
  /** Names of environment variables that the written config refers to. */
  readonly environment: ReadonlySet<string>
  /** Notes it, and returns it as a comment for its place. */
  add(kind: NoteKind, at: Position, subject: string, message: string): string
  /** `"${NAME}"`, noted as needed. */
  reference(name: string): string
}

export function createNotes(): Notes {
  const all: Note[] = []
  const environment = new Set<string>()
  return {
    all,
    environment,
    add(kind, at, subject, message) {
      const comment = `${LABELS[kind]} ${withinRoute(subject)}: ${message}`
      all.push({ kind, at, subject, message, comment })
      return comment
    },
    reference(name) {
      environment.add(name)
      return `\${${name}}`
    },
  }
}

/** A comment stands in its route already, and in its rule. */
function withinRoute(subject: string): string {
  return subject
    .replace(/^\w+\[\d+\]\./, '')
    .replace(/^policy(\[\d+\])?\.(allow|deny)\.\w+\[\d+\]\./, '')
}
