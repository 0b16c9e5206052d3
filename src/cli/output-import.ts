/** What an import says at its end: what to decide, which secrets to set, what differs, what is left out. */

import type { Imported } from '../config/import/import.ts'
import type { Note, NoteKind } from '../config/import/notes.ts'
import { counted, shownPath } from './print-problems.ts'

const HEADINGS: readonly (readonly [NoteKind, string])[] = [
  ['decide', 'To decide before it goes live: as written, someone may get in who did not before'],
  ['secret', 'Secrets, which are not copied'],
  ['differs', 'Means something else here'],
  ['left-out', 'Left out or replaced'],
]

/** The summary, in lines. What is said of many places alike is said once, with their number. */
export function importSummary(imported: Imported, cwd: string): string {
  const { notes, environment, problems } = imported
  const lines: string[] = []
  for (const [kind, heading] of HEADINGS) {
    const ofKind = notes.filter((note) => note.kind === kind).toSorted(byPlace)
    if (ofKind.length === 0) continue
    lines.push('', `${heading} (${ofKind.length}):`, ...grouped(ofKind, cwd))
  }
  if (environment.length > 0) {
    lines.push('', `Environment variables that the config refers to: ${environment.join(', ')}`)
  }
  const warnings = problems.length === 0 ? '' : `, with ${counted(problems.length, 'warning')}`
  lines.push(
    '',
    `\`gatehouse check\` takes it${warnings}; policy tests show whether it means the same.`,
  )
  return `${lines.slice(1).join('\n')}\n`
}

function byPlace({ at: one }: Note, { at: other }: Note): number {
  return one.line - other.line || one.column - other.column
}

function grouped(notes: readonly Note[], cwd: string): readonly string[] {
  // The last step of a key says what it is; the rest which of many.
  const keyOf = ({ subject, message }: Note) => `${lastStep(subject)} ${message}`
  return [...Map.groupBy(notes, keyOf).values()].map((alike) => {
    const [first] = alike
    if (first === undefined) return ''
    const { at, subject, message } = first
    const more = alike.length === 1 ? '' : ` (and ${counted(alike.length - 1, 'place')} more)`
    return `  ${shownPath(at.file, cwd)}:${at.line}:${at.column}: ${subject}: ${oneLine(message)}${more}`
  })
}

function lastStep(subject: string): string {
  return subject.slice(subject.lastIndexOf('.') + 1).replace(/\[\d+\]/g, '')
}

/** Messages may repeat what stands in a file. */
function oneLine(message: string): string {
  return message.replace(/[\p{Cc}\u2028\u2029]/gu, ' ')
}
