/** What is kept of a cluster's objects: the few fields that matter here, read once, whatever else they hold. */

import { valueBelow } from '../support/check-schema.ts'
import { isMapping } from '../support/mapping.ts'

export interface ClusterObject {
  /** Empty for objects of the whole cluster. */
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  /** ISO 8601, to the second. */
  readonly createdAt: string
}

/** Where requests are to go: a Service with the number or the name of a port, or something else, which is not served. */
export type Backend =
  | { readonly kind: 'service'; readonly name: string; readonly port: number | string }
  | { readonly kind: 'other' }

export interface IngressPath {
  readonly path: string
  /** `Exact`, `Prefix` or `ImplementationSpecific`. */
  readonly type: string
  readonly backend: Backend
}

export interface IngressRule {
  /** Empty: any. */
  readonly host: string
  readonly paths: readonly IngressPath[]
}

/** An address as an Ingress or a Service has it in its status. */
export type Address = { readonly ip: string } | { readonly hostname: string }

export interface IngressObject extends ClusterObject {
  readonly className: string | undefined
  /** Those that begin with `gatehouse.dev/`, without that. */
  readonly annotations: ReadonlyMap<string, string>
  /** `kubernetes.io/ingress.class`, from before there were classes. */
  readonly classAnnotation: string | undefined
  readonly rules: readonly IngressRule[]
  readonly defaultBackend: Backend | undefined
  readonly tls: readonly { readonly hosts: readonly string[]; readonly secretName: string }[]
  readonly addresses: readonly Address[]
}

export interface ServicePort {
  readonly name: string
  readonly port: number
  readonly targetPort: number | string
  readonly appProtocol: string | undefined
}

export interface ServiceObject extends ClusterObject {
  readonly type: string
  /** `None` for a headless one. */
  readonly clusterIp: string
  readonly ports: readonly ServicePort[]
  /** Under which the Service is reached from outside. */
  readonly addresses: readonly Address[]
}

export interface IngressClassObject extends ClusterObject {
  readonly controller: string
  readonly isDefault: boolean
}

export interface SecretObject extends ClusterObject {
  /** PEM. */
  readonly cert: string | undefined
  /** PEM. */
  readonly key: string | undefined
}

export const ANNOTATION_PREFIX = 'gatehouse.dev/'

export function readIngress(raw: unknown): IngressObject {
  const annotations = textsAt(raw, ['metadata', 'annotations'])
  const own = [...annotations].filter(([key]) => key.startsWith(ANNOTATION_PREFIX))
  const backend = valueBelow(raw, ['spec', 'defaultBackend'])
  return {
    ...readMeta(raw),
    className: textAt(raw, ['spec', 'ingressClassName']),
    annotations: new Map(own.map(([key, text]) => [key.slice(ANNOTATION_PREFIX.length), text])),
    classAnnotation: annotations.get('kubernetes.io/ingress.class'),
    rules: listAt(raw, ['spec', 'rules']).map((rule) => ({
      host: textAt(rule, ['host']) ?? '',
      paths: listAt(rule, ['http', 'paths']).map((path) => ({
        path: textAt(path, ['path']) ?? '',
        type: textAt(path, ['pathType']) ?? '',
        backend: readBackend(valueBelow(path, ['backend'])),
      })),
    })),
    defaultBackend: backend === undefined || backend === null ? undefined : readBackend(backend),
    tls: listAt(raw, ['spec', 'tls']).map((tls) => ({
      hosts: listAt(tls, ['hosts']).filter((host) => typeof host === 'string'),
      secretName: textAt(tls, ['secretName']) ?? '',
    })),
    addresses: readAddresses(raw),
  }
}

function readBackend(raw: unknown): Backend {
  const name = textAt(raw, ['service', 'name'])
  const port = valueBelow(raw, ['service', 'port', 'number'])
  const portName = textAt(raw, ['service', 'port', 'name'])
  if (name === undefined) return { kind: 'other' }
  return { kind: 'service', name, port: typeof port === 'number' ? port : (portName ?? '') }
}

export function readService(raw: unknown): ServiceObject {
  const external = listAt(raw, ['spec', 'externalIPs']).filter((ip) => typeof ip === 'string')
  const addresses = readAddresses(raw)
  return {
    ...readMeta(raw),
    type: textAt(raw, ['spec', 'type']) ?? 'ClusterIP',
    clusterIp: textAt(raw, ['spec', 'clusterIP']) ?? '',
    ports: listAt(raw, ['spec', 'ports']).map((port) => {
      const number = numberAt(port, ['port']) ?? 0
      return {
        name: textAt(port, ['name']) ?? '',
        port: number,
        targetPort: numberAt(port, ['targetPort']) ?? textAt(port, ['targetPort']) ?? number,
        appProtocol: textAt(port, ['appProtocol']),
      }
    }),
    addresses: addresses.length > 0 ? addresses : external.map((ip) => ({ ip })),
  }
}

const DEFAULT_CLASS = 'ingressclass.kubernetes.io/is-default-class'

export function readIngressClass(raw: unknown): IngressClassObject {
  return {
    ...readMeta(raw),
    controller: textAt(raw, ['spec', 'controller']) ?? '',
    isDefault: textsAt(raw, ['metadata', 'annotations']).get(DEFAULT_CLASS) === 'true',
  }
}

export function readSecret(raw: unknown): SecretObject {
  const decoded = (key: string) => {
    const text = textAt(raw, ['data', key])
    return text === undefined ? undefined : Buffer.from(text, 'base64').toString('utf8')
  }
  return { ...readMeta(raw), cert: decoded('tls.crt'), key: decoded('tls.key') }
}

/** `status.loadBalancer.ingress`, which Ingresses and Services have alike. */
export function readAddresses(raw: unknown): readonly Address[] {
  return listAt(raw, ['status', 'loadBalancer', 'ingress']).flatMap((entry): Address[] => {
    const ip = textAt(entry, ['ip'])
    const hostname = textAt(entry, ['hostname'])
    if (ip !== undefined) return [{ ip }]
    return hostname === undefined ? [] : [{ hostname }]
  })
}

function readMeta(raw: unknown): ClusterObject {
  return {
    namespace: textAt(raw, ['metadata', 'namespace']) ?? '',
    name: textAt(raw, ['metadata', 'name']) ?? '',
    uid: textAt(raw, ['metadata', 'uid']) ?? '',
    resourceVersion: textAt(raw, ['metadata', 'resourceVersion']) ?? '',
    createdAt: textAt(raw, ['metadata', 'creationTimestamp']) ?? '',
  }
}

/** How an object is called in maps and messages. */
export function keyOf({ namespace, name }: ClusterObject): string {
  return namespace === '' ? name : `${namespace}/${name}`
}

/** The text at `path`; an empty one is none. */
export function textAt(raw: unknown, path: readonly string[]): string | undefined {
  const value = valueBelow(raw, path)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function numberAt(raw: unknown, path: readonly string[]): number | undefined {
  const value = valueBelow(raw, path)
  return typeof value === 'number' ? value : undefined
}

export function listAt(raw: unknown, path: readonly string[]): readonly unknown[] {
  const value = valueBelow(raw, path)
  return Array.isArray(value) ? value : []
}

function textsAt(raw: unknown, path: readonly string[]): ReadonlyMap<string, string> {
  const value = valueBelow(raw, path)
  const entries = isMapping(value) ? Object.entries(value) : []
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}
