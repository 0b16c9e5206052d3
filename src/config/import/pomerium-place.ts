/** Where a Pomerium route applies, and which other route takes what it no longer does. */

import type { YamlMap } from '../../support/yaml-node.ts'
import { type DraftEntry, entry, type Origin } from './draft.ts'
import { type Settings, textOf } from './settings.ts'

export interface RoutePlace {
  /** As written in `from`, lower case. */
  readonly host: string
  readonly kind: 'prefix' | 'path' | 'regex'
  readonly text: string
}

const PATH_KINDS = ['regex', 'path', 'prefix'] as const

/** The place of a route, without taking its keys. Of several kinds of path Pomerium looks at the first in this order. */
export function placeOf(route: YamlMap): RoutePlace {
  const textAt = (name: string): string => {
    const value = route.entries.find(({ key }) => key.toLowerCase() === name)?.value
    return (value === undefined ? undefined : textOf(value)) ?? ''
  }
  const host = hostOf(textAt('from'))
  const kind = PATH_KINDS.find((name) => textAt(name) !== '')
  return kind === undefined
    ? { host, kind: 'prefix', text: '/' }
    : { host, kind, text: textAt(kind) }
}

/** The host of a URL as it is written, also where it is no URL that can be read. */
export function hostOf(url: string): string {
  return (/^(?:[a-z0-9+.-]+:\/\/)?([^/?#]*)/i.exec(url)?.[1] ?? '').toLowerCase()
}

/** `from` and the path, with comments about what they mean here. */
export function translatePlace(
  route: Settings,
  place: RoutePlace,
  all: readonly RoutePlace[],
): readonly DraftEntry[] {
  const entries: DraftEntry[] = []
  const from = route.text('from')
  if (from !== undefined) {
    const comments = place.host.startsWith('*')
      ? [route.note('differs', from, 'the `*` stands for one label, in Pomerium for several')]
      : []
    entries.push(entry('from', from.value, { origin: from, comments }))
  }
  const path = route.text(place.kind)
  for (const other of PATH_KINDS) {
    const idle = other === place.kind ? undefined : route.take(other)
    if (idle !== undefined)
      route.note('left-out', idle, `Pomerium looks at \`${place.kind}\` alone`)
  }
  if (path === undefined) return entries
  const comments = place.kind === 'prefix' ? prefixNotes(route, path, place, all) : []
  entries.push(entry(place.kind, path.value, { origin: path, comments }))
  return entries
}

/** In Pomerium a piece of text, here whole segments: what lies between goes elsewhere now. */
function prefixNotes(
  route: Settings,
  origin: Origin,
  { host, text }: RoutePlace,
  all: readonly RoutePlace[],
): readonly string[] {
  if (text.endsWith('/')) return []
  const isShorter = (other: RoutePlace): boolean =>
    other.host === host &&
    other.kind === 'prefix' &&
    other.text.length < text.length &&
    text.startsWith(other.text)
  const next = all.filter(isShorter).toSorted((a, b) => b.text.length - a.text.length)[0]
  const what = `a prefix is whole segments here: \`${text}x\` does not belong to it`
  if (next === undefined) return [route.note('differs', origin, `${what} and is not found`)]
  const message = `${what}, it goes to the route of \`${next.text}\`; \`regex\` with \`${escaped(text)}.*\` takes both`
  return [route.note('decide', origin, message)]
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
