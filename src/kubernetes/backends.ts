/** Where the requests of a path go: from a Service and a port of it to the keys of a route. */

import { isIPv6 } from 'node:net'
import type { Backend, ServiceObject, ServicePort } from './objects.ts'
import type { PlainMap } from './route-nodes.ts'

/** Keys of a route, or why there is nowhere to go. */
export type Target = PlainMap | string

/** How a port says what is spoken there. KEP-3726, and what Services had before it. */
const SCHEMES: ReadonlyMap<string, 'http' | 'https' | 'h2c'> = new Map([
  ['http', 'http'],
  ['kubernetes.io/ws', 'http'],
  ['https', 'https'],
  ['kubernetes.io/wss', 'https'],
  ['h2c', 'h2c'],
  ['grpc', 'h2c'],
  ['kubernetes.io/h2c', 'h2c'],
])

/**
 * A Service is reached at its own address, so that no name has to be looked up and the cluster chooses among its pods;
 * it hears its name in the cluster as `Host`.
 */
export function targetOf(
  backend: Backend,
  namespace: string,
  service: ServiceObject | undefined,
): Target {
  if (backend.kind === 'other') return 'a backend is a Service: `resource` is not served'
  const { name } = backend
  if (service === undefined)
    return `there is no Service \`${name}\` in the namespace \`${namespace}\``
  if (service.type === 'ExternalName') {
    return `the Service \`${name}\` is an ExternalName, which could lead anywhere: give it an address in the cluster`
  }
  const port = portOf(backend, service)
  if (typeof port === 'string') return port
  const scheme = SCHEMES.get((port.appProtocol ?? 'http').toLowerCase())
  if (scheme === undefined) {
    return `port ${port.port} of the Service \`${name}\` has the \`appProtocol\` \`${port.appProtocol}\`, which is not served`
  }
  const inCluster = `${name}.${namespace}.svc`
  if (service.clusterIp === 'None') return headless(inCluster, scheme, port, name)
  if (service.clusterIp === '') return `the Service \`${name}\` has no address yet`
  const host = isIPv6(service.clusterIp) ? `[${service.clusterIp}]` : service.clusterIp
  const isUsual = port.port === (scheme === 'https' ? 443 : 80)
  return {
    to: `${scheme}://${host}:${port.port}`,
    host_rewrite: isUsual ? inCluster : `${inCluster}:${port.port}`,
    ...(scheme === 'https' ? { tls_server_name: inCluster } : {}),
  }
}

/** Without an address of its own its name leads to the pods, and they listen where `targetPort` says. */
function headless(inCluster: string, scheme: string, port: ServicePort, name: string): Target {
  return typeof port.targetPort === 'number'
    ? { to: `${scheme}://${inCluster}:${port.targetPort}` }
    : `the Service \`${name}\` is headless, and the \`targetPort\` of port ${port.port} is a name: write its number, or give the Service an address`
}

/** Of a Service with thousands of ports the first say enough. */
const MOST_NAMED = 10

function portOf(
  backend: Backend & { readonly kind: 'service' },
  service: ServiceObject,
): ServicePort | string {
  const { name, port } = backend
  const found = service.ports.find(
    (one) => (typeof port === 'number' ? one.port : one.name) === port,
  )
  if (found !== undefined) return found
  const known = service.ports
    .slice(0, MOST_NAMED)
    .map((one) => (one.name === '' ? one.port : `${one.port} (${one.name})`))
  return `the Service \`${name}\` has no port \`${port}\`; it has ${known.join(', ') || 'none'}`
}
