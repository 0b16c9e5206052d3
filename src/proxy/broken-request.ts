/** The log record of a request that the HTTP parser refused: little is known of it, but it is not passed over. */

import { randomUUID } from 'node:crypto'
import type { EpochMs } from '../support/time.ts'
import type { RequestRecord } from './access-log.ts'
import type { DataPlane } from './data-plane.ts'
import type { BrokenRequest } from './listener.ts'
import { peerAddress } from './peer.ts'

export function brokenRecord(
  broken: BrokenRequest,
  plane: DataPlane,
  time: EpochMs,
): RequestRecord {
  return {
    time,
    requestId: randomUUID(),
    method: '',
    sourceIp: peerAddress(broken.socket),
    host: undefined,
    path: undefined,
    route: undefined,
    session: undefined,
    namedGroups: [],
    decision: undefined,
    wouldBe: undefined,
    status: broken.status,
    durationMs: 0,
    upstreamMs: undefined,
    revision: plane.snapshot.revision,
    detail: broken.detail,
    storeFailed: false,
  }
}
