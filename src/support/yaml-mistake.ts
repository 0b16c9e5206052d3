/** What is wrong with a text that is no YAML, in words: asked for only where the reader has refused it. */

import { YAMLException } from 'js-yaml'
import { parseAllDocuments } from 'yaml'
import { type TextProblem, TOO_DEEP } from './yaml-limits.ts'

/**
 * The reader stops where it can go no further, and says little. The `yaml` package, ten times as slow, tells where the
 * mistake begins and what it is.
 */
export function explainRefusal(text: string, refusal: unknown): TextProblem {
  const stopped = whereItStopped(refusal)
  if (stopped.message === TOO_DEEP) return stopped
  const documents = parseAllDocuments(text, {
    uniqueKeys: false,
    strict: true,
    prettyErrors: false,
    version: '1.2',
  })
  const found = Array.isArray(documents) ? documents.flatMap(({ errors }) => errors)[0] : undefined
  if (found === undefined) return stopped
  return { offset: found.pos[0], message: plainMessage(found.message) }
}

function whereItStopped(refusal: unknown): TextProblem {
  if (!(refusal instanceof YAMLException)) throw refusal
  const { reason, mark } = refusal
  const offset = mark?.position ?? 0
  if (reason.startsWith('nesting exceeded')) return { offset, message: TOO_DEEP }
  const before = mark?.buffer.slice(offset - mark.column, offset + 1) ?? ''
  // Such tabs are YAML, but not to every reader.
  return { offset, message: before.includes('\t') ? 'a tab is in the way; write spaces' : reason }
}

/** What the library says about mistakes that everybody makes, as whoever made them would say it. */
const PLAINER: ReadonlyMap<string, string> = new Map([
  ['Implicit keys need to be on a single line', 'a `:` is missing after this key'],
  [
    'Sequence item without - indicator',
    'this is indented less than what it belongs to, or a `-` is missing before it',
  ],
  [
    'Flow map in block collection must be sufficiently indented and end with a }',
    'a `{` before this is not closed by a `}`, or its `}` is indented too little',
  ],
  [
    'Flow sequence in block collection must be sufficiently indented and end with a ]',
    'a `[` before this is not closed by a `]`, or its `]` is indented too little',
  ],
])

function plainMessage(message: string): string {
  const firstLine = message.split('\n', 1)[0] ?? ''
  const plainer = PLAINER.get(firstLine)
  if (plainer !== undefined) return plainer
  return firstLine.charAt(0).toLowerCase() + firstLine.slice(1).replace(/\.$/, '')
}
