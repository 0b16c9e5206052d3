/** `/decisions` of the admin listener: the last lines of the decision log, without a look at the log itself. */

import type { FastifyInstance } from 'fastify'

export interface DecisionRouteParts {
  /** Lines of the decision log, each a JSON object, oldest first. */
  recentDecisions(): readonly string[]
}

export function decisionRoutes(admin: FastifyInstance, parts: DecisionRouteParts): void {
  admin.get('/decisions', (_request, reply) => {
    reply
      .header('cache-control', 'no-store')
      .type('application/json; charset=utf-8')
      .send(`{"decisions":[${parts.recentDecisions().join(',')}]}`)
  })
}
