/** A file in the making: what is to be written, where each part came from, and what to do where `check` refuses it. */

import type { Position } from '../../support/problem.ts'
import type {
  WritableList,
  WritableMap,
  WritablePart,
  WritableScalar,
} from '../../support/yaml-writer.ts'

export interface DraftList extends WritableList {
  readonly items: DraftPart[]
}

export interface DraftMap extends WritableMap {
  readonly entries: DraftEntry[]
}

export type DraftNode = WritableScalar | DraftList | DraftMap

/** What is done with a part that `check` refuses, before the part around it is tried. */
export type Fallback =
  /** Kept as a comment. `wider`: what follows from that, where people may then get in who did not before. */
  | { readonly kind: 'comment-out'; readonly wider: string | undefined }
  /** Something else is written. `why` ends the sentence of the note: `so it is ...`. */
  | { readonly kind: 'instead'; readonly value: DraftNode; readonly why: string }

/** Where in the imported file something stands, and what it is called there. */
export interface Origin {
  readonly at: Position
  readonly subject: string
}

export interface DraftPart extends WritablePart {
  value: DraftNode
  comments: string[]
  off: boolean
  gap: boolean
  /** Tried in turn, each once. */
  readonly fallbacks: Fallback[]
  readonly origin: Origin | undefined
}

export interface DraftEntry extends DraftPart {
  readonly key: string
}

export interface PartOptions {
  readonly comments?: readonly string[]
  readonly off?: boolean
  readonly gap?: boolean
  readonly fallbacks?: readonly Fallback[]
  readonly origin?: Origin | undefined
}

export const COMMENT_OUT: Fallback = { kind: 'comment-out', wider: undefined }
/** For a whole route. */
export const COMMENT_OUT_ROUTE: Fallback = {
  kind: 'comment-out',
  wider: 'what it took goes to other routes of its host, or is not found',
}
/** For how long a session may last. */
export const COMMENT_OUT_LIFETIME: Fallback = {
  kind: 'comment-out',
  wider: 'sessions last as long as they do by default',
}

export function scalar(value: string | number | boolean): WritableScalar {
  return { kind: 'scalar', value }
}

/** A list in lines of its own. */
export function list(items: readonly DraftPart[]): DraftList {
  return { kind: 'list', items: [...items], inline: false }
}

/** `[a, b]` */
export function inlineList(values: readonly (string | number | boolean | DraftNode)[]): DraftList {
  return { kind: 'list', items: values.map((value) => part(nodeOf(value))), inline: true }
}

/** A mapping in lines of its own. */
export function map(entries: readonly DraftEntry[]): DraftMap {
  return { kind: 'map', entries: [...entries], inline: false }
}

/** `{ a: b }` */
export function inlineMap(
  values: Readonly<Record<string, string | number | boolean | DraftNode>>,
): DraftMap {
  const entries = Object.entries(values).map(([key, value]) => entry(key, nodeOf(value)))
  return { kind: 'map', entries, inline: true }
}

/** An item of a list. */
export function part(value: DraftNode, options: PartOptions = {}): DraftPart {
  return {
    value,
    comments: [...(options.comments ?? [])],
    off: options.off ?? false,
    gap: options.gap ?? false,
    fallbacks: [...(options.fallbacks ?? [])],
    origin: options.origin,
  }
}

/** An entry of a mapping. */
export function entry(
  key: string,
  value: string | number | boolean | DraftNode,
  options: PartOptions = {},
): DraftEntry {
  return { ...part(nodeOf(value), options), key }
}

function nodeOf(value: string | number | boolean | DraftNode): DraftNode {
  return typeof value === 'object' ? value : scalar(value)
}

/** A text for the config: there `${` begins a reference, and nothing that is imported is one. */
export function literal(text: string): string {
  // A function, as `$$` in a text would mean one dollar sign.
  return text.replaceAll('${', () => '$${')
}
