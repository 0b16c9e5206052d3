/**
 * The groups of whoever asks: those that the token named at sign-in, and those of the provider's directory. Nothing is allocated
 * while a directory's answer is the one that the last request had.
 */

import { MAX_GROUPS, UNKNOWN_GROUPS } from '../policy/groups.ts'
import type { Group, Groups } from '../policy/model.ts'
import type { Directory, DirectoryAnswer } from './directory/directory.ts'
import { ResolvedSession } from './resolved-session.ts'
import type { LiveSession } from './session.ts'

type Known = LiveSession | undefined

/**
 * The session with all that is known of its person's groups; the same object for as long as that is the same. `undefined`
 * where the directory says that the person's sessions end.
 */
export type ResolveGroups = (session: Known) => Known | Promise<Known>

interface Resolved {
  /** What the session itself says; another object once that has changed. */
  readonly base: LiveSession['subject']
  readonly answer: DirectoryAnswer | undefined
  readonly session: ResolvedSession
}

/** @param directoryOf the directory of a provider, where it has one */
export function createResolveGroups(
  directoryOf: (provider: string) => Directory | undefined,
): ResolveGroups {
  const resolved = new WeakMap<LiveSession, Resolved>()
  const withAnswer = (session: LiveSession, answer: DirectoryAnswer | undefined): Known => {
    if (answer?.standing === 'ended') return undefined
    const base = session.subject
    const known = resolved.get(session)
    if (known !== undefined && known.base === base && known.answer === answer) return known.session
    const person = { ...base, groups: joinGroups(base.groups, answer) }
    const made = new ResolvedSession(session, person)
    resolved.set(session, { base, answer, session: made })
    return made
  }
  return (session) => {
    if (session === undefined) return undefined
    const { method, provider, sub } = session.record
    // Whoever signs in here without a provider is in no directory.
    const directory = method === 'local' ? undefined : directoryOf(provider)
    if (directory === undefined) return session
    const answer = directory.look(sub)
    if (answer instanceof Promise) return answer.then((found) => withAnswer(session, found))
    return withAnswer(session, answer)
  }
}

/**
 * In either is true. A directory that answers knows all there is to know, also where the claim could not be read; without
 * its answer, what the claim does not name is unknown.
 */
export function joinGroups(claim: Groups, answer: DirectoryAnswer | undefined): Groups {
  if (answer === undefined) return { ...claim, complete: false }
  const { groups } = answer
  const more = claim.list.filter((group) => !isKnown(groups, group))
  if (!groups.complete || more.length === 0) return groups
  const list = [...groups.list, ...more]
  if (list.length > MAX_GROUPS) return UNKNOWN_GROUPS
  const spellings = new Set(groups.spellings)
  for (const { id, name } of more) spellings.add(name ?? id ?? '')
  return { list, spellings, complete: true }
}

/** A claim's text is a name, whichever it is. */
function isKnown({ spellings }: Groups, { id, name }: Group): boolean {
  return spellings.has(name ?? id ?? '')
}
