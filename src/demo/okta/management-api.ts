/** The part of Okta's management API that tells of users and groups: paged by `Link`, limited by rate, wrong in Okta's words. */

import { randomBytes } from 'node:crypto'
import type { ApiAccess, ApiCall } from './api-access.ts'
import { refuseCall } from './api-access.ts'
import { type ApiAnswer, apiError } from './api-errors.ts'
import type { RateLimiter, RateLimits } from './rate-limits.ts'
import type { OktaGroup, OktaUser, World } from './world.ts'

export interface ManagementApiOptions {
  readonly world: World
  readonly access: ApiAccess
  readonly limiter: RateLimiter
  /** Groups of a user on one page; Okta itself does not page that list, and may. */
  readonly userGroupsPage: () => number
}

export type ManagementApi = (call: ApiCall) => Promise<ApiAnswer>

const USERS = /^\/api\/v1\/users\/([^/]+)$/
const USER_GROUPS = /^\/api\/v1\/users\/([^/]+)\/groups$/
const GROUP = /^\/api\/v1\/groups\/([^/]+)$/
const GROUP_USERS = /^\/api\/v1\/groups\/([^/]+)\/users$/

interface Endpoint {
  readonly path: RegExp
  readonly bucket: keyof RateLimits
  readonly scope: string
  readonly answer: (options: ManagementApiOptions, url: URL, id: string) => ApiAnswer
}

const ENDPOINTS: readonly Endpoint[] = [
  { path: /^\/api\/v1\/users$/, bucket: 'other', scope: 'okta.users.read', answer: listUsers },
  { path: USERS, bucket: 'user', scope: 'okta.users.read', answer: showUser },
  { path: USER_GROUPS, bucket: 'other', scope: 'okta.users.read', answer: listGroupsOfUser },
  { path: /^\/api\/v1\/groups$/, bucket: 'groups', scope: 'okta.groups.read', answer: listGroups },
  { path: GROUP, bucket: 'other', scope: 'okta.groups.read', answer: showGroup },
  { path: GROUP_USERS, bucket: 'other', scope: 'okta.groups.read', answer: listUsersOfGroup },
]

/** Answers a call whose path begins with `/api/v1/`. */
export function createManagementApi(options: ManagementApiOptions): ManagementApi {
  return async (call) => {
    const found = ENDPOINTS.map((endpoint) => ({
      endpoint,
      match: endpoint.path.exec(call.url.pathname),
    })).find(({ match }) => match !== null)
    if (found === undefined) return marked(apiError('E0000008'), {})
    const { endpoint, match } = found
    const { allowed, headers } = options.limiter.take(endpoint.bucket)
    if (!allowed) return marked(apiError('E0000047'), headers)
    const refused = await refuseCall(call, endpoint.scope, options.access)
    if (refused !== undefined) return marked(refused, headers)
    if (call.method !== 'GET') return marked(apiError('E0000022'), headers)
    const id = decodeURIComponent(match?.[1] ?? '')
    return marked(endpoint.answer(options, call.url, id), headers)
  }
}

function marked(answer: ApiAnswer, headers: ApiAnswer['headers']): ApiAnswer {
  const requestId = { 'x-okta-request-id': randomBytes(12).toString('base64url') }
  return { ...answer, headers: { ...requestId, ...headers, ...answer.headers } }
}

function listUsers({ world }: ManagementApiOptions, url: URL): ApiAnswer {
  const wanted = conditionsOf(url, ['status', 'profile.login', 'profile.email', 'id'])
  if (wanted === undefined) return apiError('E0000031')
  const users = [...world.users.values()].filter((user) => {
    const fields = {
      id: user.id,
      status: user.status,
      'profile.login': user.person.email,
      'profile.email': user.person.email,
    }
    return holds(wanted, fields)
  })
  return page(users.map(userBody), url, 200)
}

function showUser({ world }: ManagementApiOptions, _url: URL, id: string): ApiAnswer {
  const user = world.findUser(id)
  return user === undefined ? notFound(id, 'User') : ok(userBody(user))
}

function listGroupsOfUser(options: ManagementApiOptions, url: URL, id: string): ApiAnswer {
  const user = options.world.findUser(id)
  if (user === undefined) return notFound(id, 'User')
  const groups = options.world.groupsOf(user).map(groupBody)
  return page(groups, url, options.userGroupsPage())
}

function listGroups({ world }: ManagementApiOptions, url: URL): ApiAnswer {
  const fields = ['id', 'type', 'lastUpdated', 'lastMembershipUpdated']
  const wanted = conditionsOf(url, fields)
  if (wanted === undefined) return apiError('E0000031')
  const groups = [...world.groups.values()].map(groupBody)
  return page(
    groups.filter((group) => holds(wanted, group)),
    url,
    10_000,
  )
}

function showGroup({ world }: ManagementApiOptions, _url: URL, id: string): ApiAnswer {
  const group = world.groups.get(id)
  return group === undefined ? notFound(id, 'UserGroup') : ok(groupBody(group))
}

function listUsersOfGroup({ world }: ManagementApiOptions, url: URL, id: string): ApiAnswer {
  if (!world.groups.has(id)) return notFound(id, 'UserGroup')
  const members = [...world.users.values()].filter(({ groupIds }) => groupIds.has(id))
  return page(members.map(userBody), url, 1_000)
}

function ok(body: unknown): ApiAnswer {
  return { status: 200, headers: {}, body }
}

function notFound(id: string, type: string): ApiAnswer {
  return apiError('E0000007', `Resource not found: ${id} (${type})`)
}

/** One page of `all`; where more follow, their address in a `Link` header of its own, as Okta sends it. */
function page(all: readonly { readonly id: string }[], url: URL, usual: number): ApiAnswer {
  const limit = Number(url.searchParams.get('limit') ?? usual)
  const after = url.searchParams.get('after')
  const from = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1
  const shown = all.slice(from, from + Math.min(limit, usual))
  const link = [`<${url.href}>; rel="self"`]
  const last = shown.at(-1)
  if (last !== undefined && from + shown.length < all.length) {
    const next = new URL(url)
    next.searchParams.set('after', last.id)
    next.searchParams.set('limit', String(Math.min(limit, usual)))
    link.push(`<${next.href}>; rel="next"`)
  }
  return { status: 200, headers: { link }, body: shown }
}

interface Condition {
  readonly field: string
  readonly operator: string
  readonly value: string
}

const CONDITION = /^([\w.]+) (eq|gt|lt) "([^"]*)"$/

/** `filter=`, conditions joined by `and`; undefined where it says something that Okta does not take. */
function conditionsOf(url: URL, fields: readonly string[]): readonly Condition[] | undefined {
  const filter = url.searchParams.get('filter')
  if (filter === null) return []
  const conditions = filter.split(' and ').map((text) => {
    const [, field = '', operator = '', value = ''] = CONDITION.exec(text) ?? []
    return { field, operator, value }
  })
  return conditions.every(({ field }) => fields.includes(field)) ? conditions : undefined
}

function holds(conditions: readonly Condition[], fields: Readonly<Record<string, unknown>>) {
  return conditions.every(({ field, operator, value }) => {
    const actual = String(fields[field])
    if (operator === 'eq') return actual === value
    return operator === 'gt' ? actual > value : actual < value
  })
}

function userBody({ id, status, person, lastUpdated }: OktaUser) {
  const [firstName = '', ...rest] = person.name.split(' ')
  return {
    id,
    status,
    created: new Date(lastUpdated).toISOString(),
    lastUpdated: new Date(lastUpdated).toISOString(),
    profile: { firstName, lastName: rest.join(' '), login: person.email, email: person.email },
  }
}

function groupBody({ id, name, type, created, lastMembershipUpdated }: OktaGroup) {
  return {
    id,
    created: new Date(created).toISOString(),
    lastUpdated: new Date(created).toISOString(),
    lastMembershipUpdated: new Date(lastMembershipUpdated).toISOString(),
    objectClass: ['okta:user_group'],
    type,
    profile: { name, description: null },
  }
}
