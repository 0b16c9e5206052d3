/** What is known of somebody's groups, made from the list of them. */

import type { Group, Groups } from './model.ts'

/** More than these are unknown: such lists are capped or filtered somewhere on their way. */
export const MAX_GROUPS = 1_000

export const UNKNOWN_GROUPS: Groups = { list: [], spellings: new Set(), complete: false }

/** All the groups of somebody, or none that is known where they are too many. */
export function allGroups(list: readonly Group[]): Groups {
  if (list.length > MAX_GROUPS) return UNKNOWN_GROUPS
  const spellings = new Set<string>()
  for (const { id, name } of list) {
    if (id !== undefined) spellings.add(id)
    if (name !== undefined) spellings.add(name)
  }
  return { list, spellings, complete: true }
}
