/** An event at an Ingress, for whoever asks what is wrong with it. Each is named by what it says, so that all replicas write one. */

import { createHash } from 'node:crypto'
import type { EpochMs } from '../support/time.ts'
import type { ClusterApi } from './api.ts'
import type { Finding } from './findings.ts'
import { CONTROLLER } from './ingress-class.ts'
import type { IngressObject } from './objects.ts'
import { statusOf } from './write-status.ts'

/** Longer ones are refused by the API server. */
const MAX_MESSAGE = 1_000
/** A name has 253 characters at the most, and a hash stands behind it. */
const MAX_NAME = 200

/** @throws ApiError */
export async function writeEvent(
  api: ClusterApi,
  ingress: IngressObject,
  { reason, message }: Finding,
  now: EpochMs,
): Promise<void> {
  const { namespace, name, uid, resourceVersion } = ingress
  const text = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 1)}…` : message
  const at = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')
  const hash = createHash('sha256').update(`${uid} ${reason} ${text}`).digest('hex').slice(0, 16)
  try {
    await api.send('POST', `/api/v1/namespaces/${namespace}/events`, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace, name: `${name.slice(0, MAX_NAME)}.${hash}` },
      involvedObject: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        namespace,
        name,
        uid,
        resourceVersion,
      },
      type: 'Warning',
      reason,
      message: text,
      source: { component: 'gatehouse' },
      reportingComponent: CONTROLLER,
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    })
  } catch (cause) {
    // It has been told already, by us or by another replica.
    if (statusOf(cause) !== 409) throw cause
  }
}
