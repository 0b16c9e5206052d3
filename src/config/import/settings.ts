/** A mapping of an imported file, key by key: whatever nobody asked for is left at the end, so that nothing is lost. */

import type { Position } from '../../support/problem.ts'
import type { YamlMap, YamlNode } from '../../support/yaml-node.ts'
import type { Origin } from './draft.ts'
import type { NoteKind, Notes } from './notes.ts'

/** One key with its value, not yet looked at. */
export interface Setting extends Origin {
  readonly value: YamlNode
}

export interface Typed<T> extends Origin {
  readonly value: T
}

/** Keys compare without regard to case, as both proxies have it. Whoever asks for a key has it and must deal with it. */
export interface Settings {
  readonly at: Position
  has(name: string): boolean
  /** The first of `names` that is written. The others stay. */
  take(...names: readonly string[]): Setting | undefined
  /** A text; numbers and booleans are texts too. What is no text, or empty, is noted as left out. */
  text(...names: readonly string[]): Typed<string> | undefined
  /** A boolean, in quotes or not. */
  flag(...names: readonly string[]): Typed<boolean> | undefined
  /** A list of texts, or one text with commas. Empty lists are noted as left out. */
  texts(...names: readonly string[]): Typed<readonly string[]> | undefined
  /** What stands behind a key that has been taken, as settings of their own; noted as left out where it is no mapping. */
  inside(setting: Setting): Settings | undefined
  /** What nobody has asked for. */
  rest(): readonly Setting[]
  /** Notes something about `name`, and returns the comment. */
  note(kind: NoteKind, origin: Origin, message: string): string
}

/** @param subject what the mapping is called in notes; empty for the top of the file */
export function settingsOf(map: YamlMap, subject: string, notes: Notes): Settings {
  const left = new Map<string, Setting>()
  for (const { key, keyAt, value } of map.entries) {
    const name = nameOf(subject, key)
    const folded = key.toLowerCase()
    if (left.has(folded)) {
      notes.add('left-out', keyAt, name, 'is written twice; only the first counts')
      continue
    }
    left.set(folded, { at: keyAt, subject: name, value })
  }
  const take = (...names: readonly string[]): Setting | undefined => {
    for (const name of names) {
      const setting = left.get(name.toLowerCase())
      if (setting === undefined) continue
      left.delete(name.toLowerCase())
      return setting
    }
    return undefined
  }
  const leaveOut = ({ at, subject: name }: Origin, message: string): undefined => {
    notes.add('left-out', at, name, message)
  }
  const text = (...names: readonly string[]): Typed<string> | undefined => {
    const setting = take(...names)
    if (setting === undefined) return undefined
    const value = textOf(setting.value)
    if (value === undefined)
      return leaveOut(setting, 'takes a text here; something else is written')
    if (value === '') return leaveOut(setting, 'is empty, which means the default')
    return { ...setting, value }
  }
  const flag = (...names: readonly string[]): Typed<boolean> | undefined => {
    const setting = text(...names)
    if (setting === undefined) return undefined
    const value = FLAGS.get(setting.value.toLowerCase())
    if (value === undefined)
      return leaveOut(setting, 'takes true or false; something else is written')
    return { ...setting, value }
  }
  const texts = (...names: readonly string[]): Typed<readonly string[]> | undefined => {
    const setting = take(...names)
    if (setting === undefined) return undefined
    const value = textsOf(setting.value)
    if (value === undefined) {
      return leaveOut(setting, 'takes a list of texts; something else is written')
    }
    if (value.length === 0) return leaveOut(setting, 'is empty, which means the default')
    return { ...setting, value }
  }
  const inside = (setting: Setting): Settings | undefined => {
    if (setting.value.kind === 'map') return settingsOf(setting.value, setting.subject, notes)
    return leaveOut(setting, 'takes a mapping; something else is written')
  }
  return {
    at: map.at,
    has: (name) => left.has(name.toLowerCase()),
    take,
    text,
    flag,
    texts,
    inside,
    rest: () => [...left.values()],
    note: (kind, { at, subject: name }, message) => notes.add(kind, at, name, message),
  }
}

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['t', true],
  ['false', false],
  ['0', false],
  ['f', false],
])

function nameOf(subject: string, key: string): string {
  return subject === '' ? key : `${subject}.${key}`
}

/** The text of a scalar; empty for nothing at all. */
export function textOf(node: YamlNode): string | undefined {
  if (node.kind !== 'scalar') return undefined
  return node.value === null ? '' : String(node.value)
}

/** A list of texts, or one text with commas. */
export function textsOf(node: YamlNode): readonly string[] | undefined {
  if (node.kind === 'map') return undefined
  const items =
    node.kind === 'list' ? node.items.map(textOf) : (textOf(node)?.split(',') ?? [undefined])
  const known = items.filter((item) => item !== undefined)
  if (known.length !== items.length) return undefined
  return known.map((item) => item.trim()).filter((item) => item !== '')
}
