/** The addresses of Gatehouse in the status of an Ingress. Any replica may write them: it says the same as all others. */

import { ApiError, type ClusterApi } from './api.ts'
import { type Address, type IngressObject, readIngress } from './objects.ts'

/** Whoever else writes the object makes us read it again, so often at the most. */
const MOST_CONFLICTS = 5

/** Writes `addresses` unless they are there. @throws ApiError; an Ingress that is gone, or another one by now, is no failure */
export async function writeStatus(
  api: ClusterApi,
  ingress: IngressObject,
  addresses: readonly Address[],
): Promise<void> {
  const path = `/apis/networking.k8s.io/v1/namespaces/${ingress.namespace}/ingresses/${ingress.name}`
  let seen = ingress
  for (let conflicts = 0; ; conflicts++) {
    if (seen.uid !== ingress.uid || isSame(seen.addresses, addresses)) return
    try {
      await api.send('PATCH', `${path}/status`, {
        metadata: { resourceVersion: seen.resourceVersion },
        status: { loadBalancer: { ingress: addresses } },
      })
      return
    } catch (cause) {
      if (statusOf(cause) === 404) return
      if (statusOf(cause) !== 409 || conflicts >= MOST_CONFLICTS) throw cause
    }
    try {
      seen = readIngress(await api.get(path))
    } catch (cause) {
      if (statusOf(cause) === 404) return
      throw cause
    }
  }
}

export function isSame(one: readonly Address[], other: readonly Address[]): boolean {
  const texts = (list: readonly Address[]) => list.map((entry) => JSON.stringify(entry)).sort()
  return texts(one).join() === texts(other).join()
}

export function statusOf(cause: unknown): number | undefined {
  return cause instanceof ApiError ? cause.status : undefined
}
