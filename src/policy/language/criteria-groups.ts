/** `groups`: by id or by name, in either of which a person may know a group. What is not known is not absent. */

import { FALSE, type GroupNaming, TRUE, type Truth, UNKNOWN } from '../compiled-policy.ts'
import type { Groups } from '../model.ts'
import { listOf } from './criteria-person.ts'
import { type CriterionCompiler, describeKey, negate } from './criterion.ts'
import { compileMatcher, type MatcherKey } from './matchers.ts'

/** `groups`. */
export const groups: CriterionCompiler = (data, { report, warn }) => {
  const keys = compileMatcher(data, listOf('groups', false), report)
  if (keys === undefined) return undefined
  for (const key of keys) {
    if (key.operator === 'is') {
      warn(key.at, '`is` holds only for who is in this one group and in no other; `has` is usual')
    }
  }
  return { parts: keys.map(groupPart), groups: keys.map(namingOf) }
}

/** One matcher key over a person's groups. */
function groupPart(key: MatcherKey) {
  const twin = twinOf(key)
  return {
    kind: 'group' as const,
    evaluate: (
      _facts: unknown,
      subject: { kind: 'anonymous' } | { kind: 'person'; groups: Groups },
    ): Truth => {
      if (subject.kind === 'anonymous') return UNKNOWN
      const truth = twin(subject.groups)
      return key.negative ? negate(truth) : truth
    },
    describe: describeKey('group', key),
  }
}

function twinOf(key: MatcherKey): (groups: Groups) => Truth {
  if (key.only) return (groups) => isOnlyGroup(key, groups)
  const listed = key.values
  if (listed === undefined) return (groups) => describesOne(key, groups)
  const spellings = listed.map(String)
  return (groups) => {
    for (let i = 0; i < spellings.length; i++) {
      if (groups.spellings.has(spellings[i] as string)) return TRUE
    }
    return groups.complete ? FALSE : UNKNOWN
  }
}

function describesOne(key: MatcherKey, groups: Groups): Truth {
  for (let i = 0; i < groups.list.length; i++) {
    const group = groups.list[i]
    if (key.holds(group?.name) || key.holds(group?.id)) return TRUE
  }
  return groups.complete ? FALSE : UNKNOWN
}

// Two that are known may prove to be one, once its id and its name are both known; so only a full answer decides.
function isOnlyGroup(key: MatcherKey, { list, complete }: Groups): Truth {
  if (!complete) return UNKNOWN
  const [only] = list
  if (list.length !== 1) return FALSE
  return key.holds(only?.name) || key.holds(only?.id) ? TRUE : FALSE
}

function namingOf(key: MatcherKey): GroupNaming {
  const { negative, values, holds } = key
  return values === undefined
    ? { negative, exact: [], describes: holds }
    : { negative, exact: values.map(String), describes: undefined }
}
