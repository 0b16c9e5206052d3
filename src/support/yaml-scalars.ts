/** Scalars and tags of a YAML text by the core schema (YAML 1.2.2 §10.3), and nothing beyond it. */

import {
  CORE_SCHEMA,
  getScalarValue,
  NOT_RESOLVED,
  SCALAR_STYLE,
  type ScalarEvent,
  type ScalarTagDefinition,
} from 'js-yaml'
import type { YamlScalar } from './yaml-node.ts'

/** A value, or what is wrong with the tag in front of it. */
export type ScalarResult = Pick<YamlScalar, 'value'> | { readonly problem: string }

const TAG_PREFIX = 'tag:yaml.org,2002:'

const TAGS: ReadonlyMap<string, ScalarTagDefinition> = new Map(
  CORE_SCHEMA.tags.flatMap((tag) => (tag.nodeKind === 'scalar' ? [[tag.tagName, tag]] : [])),
)

/** What a plain scalar may be besides text, by its first character. */
const IMPLICIT: ReadonlyMap<string, readonly ScalarTagDefinition[]> = implicitTags()

function implicitTags(): ReadonlyMap<string, readonly ScalarTagDefinition[]> {
  const tags = new Map<string, ScalarTagDefinition[]>()
  for (const tag of TAGS.values()) {
    for (const first of tag.implicit ? (tag.implicitFirstChars ?? []) : []) {
      tags.set(first, [...(tags.get(first) ?? []), tag])
    }
  }
  return tags
}

export function isPlain(event: ScalarEvent): boolean {
  return event.style === SCALAR_STYLE.PLAIN
}

/** Only a text can be had from a quoted scalar or a block, unless a tag says otherwise. */
export function scalarValue(text: string, event: ScalarEvent): ScalarResult {
  const source = getScalarValue(text, event)
  if (event.tagStart >= 0) return taggedValue(tagName(text, event), source)
  if (!isPlain(event)) return { value: source }
  for (const tag of IMPLICIT.get(source.charAt(0)) ?? []) {
    const value: unknown = tag.resolve(source, false, tag.tagName)
    if (value !== NOT_RESOLVED) return { value: fit(value) }
  }
  return { value: source }
}

function taggedValue(name: string, source: string): ScalarResult {
  const tag = TAGS.get(name === '!' ? `${TAG_PREFIX}str` : name)
  if (tag === undefined) return { problem: unresolved(name) }
  const value: unknown = tag.resolve(source, true, tag.tagName)
  return value === NOT_RESOLVED
    ? { problem: `the tag \`${shortTag(name)}\` does not fit what is behind it` }
    : { value: fit(value) }
}

/** What is wrong with the tag in front of a mapping or list, if there is one and anything is. */
export function collectionTagProblem(
  text: string,
  event: { readonly tagStart: number; readonly tagEnd: number },
  kind: 'map' | 'list',
): string | undefined {
  if (event.tagStart < 0) return undefined
  const name = tagName(text, event)
  const fitting = `${TAG_PREFIX}${kind === 'map' ? 'map' : 'seq'}`
  return name === fitting || name === '!' ? undefined : unresolved(name)
}

/** In full; `%TAG` lines, which give short forms another meaning, are refused. */
function tagName(text: string, { tagStart, tagEnd }: { tagStart: number; tagEnd: number }): string {
  const written = text.slice(tagStart, tagEnd)
  if (written.startsWith('!<')) return written.slice(2, -1)
  return written.startsWith('!!') ? TAG_PREFIX + written.slice(2) : written
}

function shortTag(name: string): string {
  return name.startsWith(TAG_PREFIX) ? `!!${name.slice(TAG_PREFIX.length)}` : name
}

function unresolved(name: string): string {
  return `unresolved tag \`${shortTag(name)}\`; take it out`
}

function fit(value: unknown): YamlScalar['value'] {
  const fits = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  return fits ? value : null
}

/**
 * Where a scalar begins, its quote or the `|` of a block included; `undefined` where nothing is written.
 * @param before an offset behind everything in front of the scalar
 */
export function scalarStart(text: string, event: ScalarEvent, before: number): number | undefined {
  if (event.valueStart < 0) return undefined
  switch (event.style) {
    case SCALAR_STYLE.SINGLE_QUOTED:
    case SCALAR_STYLE.DOUBLE_QUOTED:
      return event.valueStart - 1
    case SCALAR_STYLE.LITERAL_BLOCK:
    case SCALAR_STYLE.FOLDED_BLOCK: {
      const sign = event.style === SCALAR_STYLE.LITERAL_BLOCK ? '|' : '>'
      const start = text.indexOf(sign, Math.max(before, event.anchorEnd, event.tagEnd))
      return start < 0 || start > event.valueStart ? event.valueStart : start
    }
    default:
      return event.valueStart
  }
}
