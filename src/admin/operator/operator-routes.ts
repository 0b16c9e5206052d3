/** The operator's pages: `/` of the admin listener and what is below `/operator/`. Server-made, without a script. */

import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { GatehouseError } from '../../errors.ts'
import type { RenderedAnswer } from '../../pages/answer.ts'
import { brandOf } from '../../pages/brand.ts'
import { OPERATOR_PATHS, type OperatorPage, renderOperatorPage } from '../../pages/operator-page.ts'
import { OPERATOR_TEXTS as TEXTS } from '../../pages/operator-texts.ts'
import { revokeNamed } from '../session-routes.ts'
import { decisions } from './decisions.ts'
import { liveSessions, sessionsPage } from './live-sessions.ts'
import { matrix } from './matrix.ts'
import { isFromOwnPage } from './operator-access.ts'
import type { OperatorParts } from './operator-parts.ts'
import { overview } from './overview.ts'
import { why } from './why.ts'

type Page = Omit<OperatorPage, 'requestId'>
type MakePage = (query: URLSearchParams, request: FastifyRequest) => Page | Promise<Page>

/** @param scope guarded already: nobody comes here who may not */
export function operatorRoutes(scope: FastifyInstance, parts: OperatorParts): void {
  scope.register(formbody, { bodyLimit: 4 * 1024 })
  const page = (path: string, make: MakePage) =>
    scope.get(path, async (request, reply) => {
      const { searchParams } = new URL(request.url, 'http://admin')
      return send(reply, rendered(await make(searchParams, request)))
    })
  const rendered = (made: Page) =>
    renderOperatorPage({ ...made, requestId: '' }, brandOf(parts.snapshot()))

  page(OPERATOR_PATHS.overview, () => overview(parts))
  page(OPERATOR_PATHS.decisions, (query) => decisions(parts, query))
  page(`${OPERATOR_PATHS.decisions}/:id`, (_query, { params }) =>
    why(parts, (params as { readonly id: string }).id),
  )
  page(OPERATOR_PATHS.policies, (query) => matrix(parts, query))
  page(OPERATOR_PATHS.sessions, (query) => withStore(parts, () => liveSessions(parts, query)))
  scope.post(OPERATOR_PATHS.sessions, async (request, reply) => {
    if (!isFromOwnPage(request)) return send(reply, rendered(notFromHere()))
    const form = (request.body ?? {}) as Readonly<Record<string, unknown>>
    const problem = await withStore(parts, async () => {
      const ended = await end(parts, form, request.ip)
      const q = typeof form['q'] === 'string' ? form['q'] : ''
      const query = new URLSearchParams({ ...(q === '' ? {} : { q }), ended: String(ended) })
      reply.redirect(`${OPERATOR_PATHS.sessions}?${query}`, 303)
      return undefined
    })
    return problem === undefined ? reply : send(reply, rendered(problem))
  })
}

/** The session of `id`, or all of `user`, and never anything that is not named. */
async function end(
  parts: OperatorParts,
  { id, user }: Readonly<Record<string, unknown>>,
  sourceIp: string,
): Promise<number> {
  if (typeof id === 'string' && id !== '') {
    return revokeNamed({ kind: 'id', value: id }, parts, sourceIp)
  }
  if (typeof user !== 'string' || user === '') return 0
  return revokeNamed({ kind: 'user', value: user }, parts, sourceIp)
}

function notFromHere(): Page {
  return sessionsPage({ problem: TEXTS.notFromHere }, 403)
}

/** What `act` makes, or the page that says that the store does not answer. */
async function withStore<T>(parts: OperatorParts, act: () => Promise<T>): Promise<T | Page> {
  try {
    return await act()
  } catch (err) {
    if (!(err instanceof GatehouseError) || err.code !== 'STORE_UNAVAILABLE') throw err
    parts.log.warn({ err }, 'the operator’s page could not ask the session store')
    return sessionsPage({ problem: TEXTS.storeAway }, 503)
  }
}

function send(reply: FastifyReply, { status, headers, body }: RenderedAnswer): FastifyReply {
  return reply.code(status).headers(headers).send(body)
}
