/** Whom the Okta stand-in knows: people, their status, groups, and who is in which. Changes at once when a test says so. */

import { createHash } from 'node:crypto'
import type { Person } from '../people.ts'

/** @see Okta, "User status" */
export type UserStatus =
  | 'STAGED'
  | 'PROVISIONED'
  | 'ACTIVE'
  | 'RECOVERY'
  | 'PASSWORD_EXPIRED'
  | 'LOCKED_OUT'
  | 'SUSPENDED'
  | 'DEPROVISIONED'

export interface OktaUser {
  readonly id: string
  readonly person: Person
  status: UserStatus
  /** False: the app is not assigned to them. */
  assigned: boolean
  groupIds: Set<string>
  /** Milliseconds since 1970. */
  lastUpdated: number
}

export interface OktaGroup {
  readonly id: string
  name: string
  readonly type: 'OKTA_GROUP' | 'APP_GROUP' | 'BUILT_IN'
  readonly created: number
  lastMembershipUpdated: number
}

/** Statuses with which somebody may sign in. */
const MAY_SIGN_IN: ReadonlySet<UserStatus> = new Set([
  'ACTIVE',
  'PASSWORD_EXPIRED',
  'RECOVERY',
  'PROVISIONED',
])

export type World = ReturnType<typeof createWorld>

/** Everybody of `people`, in groups made of the names that they list; everybody is also in `Everyone`. */
export function createWorld(people: readonly Person[], now: () => number) {
  const users = new Map<string, OktaUser>()
  const groups = new Map<string, OktaGroup>()
  const groupIdByName = new Map<string, string>()
  const sids = new Map<string, Set<string>>()

  const addGroup = (name: string, type: OktaGroup['type'] = 'OKTA_GROUP'): OktaGroup => {
    const id = oktaId('00g', name)
    const known = groups.get(id)
    if (known !== undefined) return known
    const group = { id, name, type, created: now(), lastMembershipUpdated: now() }
    groups.set(id, group)
    groupIdByName.set(name, id)
    return group
  }
  const everyone = addGroup('Everyone', 'BUILT_IN')

  const addUser = (person: Person): OktaUser => {
    const groupIds = new Set([everyone.id, ...person.groups.map((name) => addGroup(name).id)])
    const user: OktaUser = {
      id: person.sub,
      person,
      status: 'ACTIVE',
      assigned: true,
      groupIds,
      lastUpdated: now(),
    }
    users.set(user.id, user)
    return user
  }
  for (const person of people) addUser(person)

  const user = (idOrLogin: string): OktaUser => {
    const found = findUser(idOrLogin)
    if (found === undefined) throw new RangeError(`nobody here is \`${idOrLogin}\``)
    return found
  }
  const findUser = (idOrLogin: string): OktaUser | undefined => {
    const byId = users.get(idOrLogin)
    if (byId !== undefined) return byId
    for (const candidate of users.values()) {
      const { id, email } = candidate.person
      if (id === idOrLogin || email === idOrLogin) return candidate
    }
    return undefined
  }
  const change = (idOrLogin: string, groupName: string, isMember: boolean): void => {
    const group = addGroup(groupName)
    const { groupIds } = user(idOrLogin)
    if (isMember) groupIds.add(group.id)
    else groupIds.delete(group.id)
    group.lastMembershipUpdated = now()
  }

  return {
    users,
    groups,
    user,
    addUser,
    addGroup,
    /** By id, login or e-mail. */
    findUser,
    groupId: (name: string): string => groupIdByName.get(name) ?? addGroup(name).id,
    groupsOf: ({ groupIds }: OktaUser): OktaGroup[] =>
      [...groupIds].flatMap((id) => groups.get(id) ?? []),
    /** Throws RangeError where nobody of that id, login or e-mail is known; so do the others below. */
    addToGroup: (who: string, groupName: string) => change(who, groupName, true),
    removeFromGroup: (who: string, groupName: string) => change(who, groupName, false),
    renameGroup: (from: string, to: string) => {
      const id = groupIdByName.get(from)
      const group = id === undefined ? undefined : groups.get(id)
      if (id === undefined || group === undefined) throw new RangeError(`no group \`${from}\``)
      groupIdByName.delete(from)
      groupIdByName.set(to, id)
      group.name = to
    },
    setStatus: (who: string, status: UserStatus) => {
      const found = user(who)
      found.status = status
      found.lastUpdated = now()
    },
    setAssigned: (who: string, assigned: boolean) => {
      user(who).assigned = assigned
    },
    noteSession: (id: string, sid: string) => {
      sids.set(id, (sids.get(id) ?? new Set()).add(sid))
    },
    /** The `sid`s that ID tokens about somebody have named. */
    sessionsOf: (who: string): string[] => [...(sids.get(user(who).id) ?? [])],
    maySignIn: (id: string): boolean => {
      const found = users.get(id)
      return found !== undefined && MAY_SIGN_IN.has(found.status)
    },
  }
}

/** An id as Okta makes them, such as `00g1ab...`: the same for the same name, so that policies may name it. */
export function oktaId(prefix: string, name: string): string {
  const digest = createHash('sha256').update(`${prefix}/${name}`).digest('base64url')
  return prefix + digest.replaceAll(/[-_]/g, '0').slice(0, 17)
}
