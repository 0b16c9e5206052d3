/** The thread of compile-gently.ts: parses a text, and hands over what it found piece by piece. */

import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import type { ParsedYaml } from '../support/yaml-document.ts'
import { parseYaml } from '../support/yaml-document.ts'

/** A text begins; then its next piece is asked for until there is none. */
export type ToParse = { readonly text: string } | 'next'

export type Parsed =
  | { readonly kind: 'events'; readonly events: Events }
  | { readonly kind: 'refused'; readonly problem: Exclude<ParsedYaml, Events> }
  | { readonly kind: 'end' }

type Events = Extract<ParsedYaml, readonly unknown[]>

/** A larger message would keep the other side busy for too long at once. */
const EVENTS_AT_ONCE = 250

// Requests go first where there is one core for both. On other systems this would be about the whole process.
if (process.platform === 'linux') setPriority(10)

let parsed: ParsedYaml = []
let given = 0

parentPort?.on('message', (question: ToParse) => parentPort?.postMessage(answer(question)))

function answer(question: ToParse): Parsed {
  if (question !== 'next') {
    parsed = parseYaml(question.text)
    given = 0
  }
  if ('message' in parsed) return { kind: 'refused', problem: parsed }
  if (given >= parsed.length) {
    parsed = []
    return { kind: 'end' }
  }
  const events = parsed.slice(given, given + EVENTS_AT_ONCE)
  given += EVENTS_AT_ONCE
  return { kind: 'events', events }
}
