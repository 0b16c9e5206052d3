/** `groups`: by id or by name, in either of which a person may know a group. What is not known is not absent. */

import {
  type CriterionPart,
  type Evaluate,
  FALSE,
  type GroupNaming,
  TRUE,
  type Truth,
  UNKNOWN,
} from '../compiled-policy.ts'
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
function groupPart(key: MatcherKey): CriterionPart {
  return { kind: 'group', evaluate: evaluateKey(key), describe: describeKey('group', key) }
}

function evaluateKey(key: MatcherKey): Evaluate {
  const [only] = key.values ?? []
  if (key.operator === 'has' && only !== undefined) return inGroup(String(only))
  const twin = twinOf(key)
  const { negative } = key
  return (_facts, subject) => {
    if (subject.kind === 'anonymous') return UNKNOWN
    const truth = twin(subject.groups)
    return negative ? negate(truth) : truth
  }
}

// Very many routes may have a group of their own each: the usual case is one function, which holds the text alone.
function inGroup(spelling: string): Evaluate {
  return (_facts, subject) => {
    if (subject.kind === 'anonymous') return UNKNOWN
    const { spellings, complete } = subject.groups
    if (spellings.has(spelling)) return TRUE
    return complete ? FALSE : UNKNOWN
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
