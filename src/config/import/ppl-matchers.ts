/** Pomerium's matchers: which of them never hold, and what their writers meant. */

import type { YamlNode } from '../../support/yaml-node.ts'
import { type DraftNode, entry, map, scalar } from './draft.ts'
import { copyOf, listOf } from './yaml-drafts.ts'

const NEGATIVE = new Set(['not', 'not_in', 'exclude'])
const LISTS = new Set(['in', 'not_in'])

/** Whether one of its keys holds where there is no value at all. */
export function hasNegativeKey(data: YamlNode): boolean {
  return data.kind === 'map' && data.entries.some(({ key }) => NEGATIVE.has(key.toLowerCase()))
}

/** Every text in it, the keys of matchers not among them. */
export function textsIn(data: YamlNode): readonly string[] {
  switch (data.kind) {
    case 'scalar':
      return typeof data.value === 'string' ? [data.value] : []
    case 'list':
      return data.items.flatMap(textsIn)
    case 'map':
      return data.entries.flatMap(({ value }) => textsIn(value))
  }
}

/**
 * Whether Pomerium takes the matcher and never finds a value for it: a list is never equal to one value, and a number
 * or a boolean never to a text. All keys must hold, so one such key is enough; a negative one holds always instead.
 * @param scalars claims may be numbers and booleans
 */
export function neverHolds(data: YamlNode, scalars: boolean): boolean {
  if (data.kind !== 'map') return isNoValue(data, scalars)
  return data.entries.some(({ key, value }) => {
    const name = key.toLowerCase()
    if (LISTS.has(name) || NEGATIVE.has(name)) return false
    return isNoValue(value, scalars)
  })
}

function isNoValue(data: YamlNode, scalars: boolean): boolean {
  if (data.kind !== 'scalar') return true
  return !scalars && typeof data.value !== 'string' && data.value !== null
}

/** The matcher with texts for numbers and alternatives for lists. */
export function asMeant(
  data: YamlNode,
  isList: boolean,
  change: (text: string) => string,
): DraftNode {
  if (data.kind !== 'map') return valueMeant(data, change)
  const entries = data.entries.map(({ key, value }) => {
    const alternatives = isList ? 'has_any' : 'in'
    const name = value.kind === 'list' && !LISTS.has(key.toLowerCase()) ? alternatives : key
    return entry(name, valueMeant(value, change))
  })
  return { ...map(entries), inline: true }
}

function valueMeant(data: YamlNode, change: (text: string) => string): DraftNode {
  if (data.kind === 'map') return copyOf(data)
  if (data.kind === 'scalar') return scalar(change(String(data.value)))
  return listOf(
    data.items.map((item) => (item.kind === 'scalar' ? change(String(item.value)) : '')),
  )
}
