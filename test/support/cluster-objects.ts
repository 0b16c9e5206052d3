/** Objects of a cluster as tests put them: an Ingress with one line of what matters, and what it needs. */

import type { Json } from './start-cluster.ts'

export interface IngressWords {
  readonly namespace?: string
  readonly name?: string
  readonly host?: string
  /** `gatehouse.dev/...`, without that. */
  readonly annotations?: Readonly<Record<string, string>>
  /** Paths with their type and the Service `NAME:PORT` behind them; default: `/` by Prefix to `app:http`. */
  readonly paths?: readonly (readonly [path: string, type: string, service: string])[]
  readonly createdAt?: string
  /** In place of what is made of the above. */
  readonly spec?: Json
}

export function ingress(words: IngressWords = {}): Json {
  const { namespace = 'team', name = 'app', host = 'app.localhost' } = words
  const paths = words.paths ?? [['/', 'Prefix', 'app:http']]
  const annotations = Object.entries(words.annotations ?? { policy: 'staff' })
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      namespace,
      name,
      annotations: Object.fromEntries(
        annotations.map(([key, text]) => [`gatehouse.dev/${key}`, text]),
      ),
      ...(words.createdAt === undefined ? {} : { creationTimestamp: words.createdAt }),
    },
    spec: {
      ingressClassName: 'gatehouse',
      rules: [{ host, http: { paths: paths.map(pathOf) } }],
      ...words.spec,
    },
  }
}

function pathOf([path, pathType, service]: readonly [string, string, string]): Json {
  return { path, pathType, backend: { service: serviceOf(service) } }
}

/** `app:80` or `app:http`. */
export function serviceOf(text: string): Json {
  const [name, port = ''] = text.split(':')
  return { name, port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } }
}

export const INGRESS_CLASS: Json = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'gatehouse' },
  spec: { controller: 'gatehouse.dev/ingress' },
}

/** A Service whose address is this machine's, so that a test's upstream answers for it. */
export function service(port: number, spec: Json = {}, name = 'app', namespace = 'team'): Json {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name },
    spec: { type: 'ClusterIP', clusterIP: '127.0.0.1', ports: [{ name: 'http', port }], ...spec },
  }
}

export function tlsSecret(
  name: string,
  { cert, key }: { readonly cert: string; readonly key: string },
  namespace = 'team',
): Json {
  const base64 = (pem: string) => Buffer.from(pem).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': base64(cert), 'tls.key': base64(key) },
  }
}
