/** A request that a route takes, made up from where the route applies. */

import type { RouteTable } from '../../routing/route-table.ts'
import type { Route } from '../route.ts'
import { type AskedRequest, readRequest, readRequestLine } from './asked-request.ts'

/** What stands for a wildcard's label, the first of them that no other route takes. */
const LABELS = ['any', 'any-other', 'gatehouse-sample']

/** A GET that `route` of `table` takes; `undefined` where none can be made up, as for a regex. */
export function sampleRequest(table: RouteTable<Route>, route: Route): AskedRequest | undefined {
  const { path } = route.match
  if (path.kind === 'regex') return undefined
  const written = path.kind === 'prefix' ? path.prefix : path.path
  const target = encodePath(written, route.keepEncodedSlashes)
  for (const label of LABELS) {
    const request = readRequestLine(`GET ${route.origin.replace('*', label)}${target}`)
    const reading = typeof request === 'string' ? undefined : readRequest(table, request)
    const isTaken = reading?.kind === 'routed' && reading.route === route
    if (typeof request !== 'string' && isTaken) return request
  }
  return undefined
}

/** The decoded path as a client would send it. */
function encodePath(path: string, keepsSlashes: boolean): string {
  // Half of a character is in no request; what stands for it here, the route will not take.
  const encoded = path.toWellFormed().split('/').map(encodeURIComponent).join('/')
  // A kept slash stands in a route as it is sent.
  return keepsSlashes ? encoded.replace(/%25(2F|5C)/g, '%$1') : encoded
}
