/** How a client would like to be answered: by a page, by JSON, or by a gRPC status. */

import type { IncomingMessage } from 'node:http'
import type { AnswerForm } from '../pages/answer.ts'

/** GET or HEAD, no upgrade, no prefetch, and a navigation or at least as glad of HTML as of JSON. */
export function isPageVisit(request: IncomingMessage, method = request.method): boolean {
  const { headers } = request
  if (method !== 'GET' && method !== 'HEAD') return false
  if (headers.upgrade !== undefined || headers['sec-purpose'] !== undefined) return false
  const mode = headers['sec-fetch-mode']
  if (mode !== undefined) return mode === 'navigate'
  return prefersHtml(headers.accept ?? '')
}

/** @param method another than the request's own where it is about a request that came to somebody else */
export function answerForm(request: IncomingMessage, method = request.method): AnswerForm {
  if ((request.headers['content-type'] ?? '').startsWith('application/grpc')) return 'grpc'
  return isPageVisit(request, method) ? 'page' : 'json'
}

function prefersHtml(accept: string): boolean {
  let html = 0
  let json = 0
  for (const item of accept.split(',')) {
    const [type = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase())
    if (type === 'text/html') html = Math.max(html, qualityOf(parameters))
    else if (/^application\/(json|[^;]*\+json)$/.test(type))
      json = Math.max(json, qualityOf(parameters))
  }
  return html > 0 && html >= json
}

/** RFC 9110 §12.4.2 */
function qualityOf(parameters: readonly string[]): number {
  const q = parameters.find((parameter) => parameter.startsWith('q='))
  if (q === undefined) return 1
  const value = Number(q.slice(2))
  return value >= 0 && value <= 1 ? value : 0
}
