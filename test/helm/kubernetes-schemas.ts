/** Objects against the schemas of the Kubernetes API and of the operators whose objects the chart makes. */

import type { KubernetesObject } from './chart.ts'

/** Which package has the schemas of an API group; the rest are Kubernetes' own. */
const PACKAGES: Readonly<Record<string, string>> = {
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
  'gateway.envoyproxy.io': '@kubernetes-models/envoy-gateway',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  'traefik.io': '@kubernetes-models/traefik',
}

interface Model {
  readonly prototype: { validate(): void }
}

/** What is wrong with `object`: values that do not fit, and fields that there are not. */
export async function mistakesOf(object: KubernetesObject): Promise<readonly string[]> {
  const { apiVersion, kind } = object
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  const path = `${PACKAGES[group] ?? 'kubernetes-models'}/${apiVersion}/${kind}`
  const models = (await import(path)) as Readonly<Record<string, Model>>
  const model = models[kind]
  if (model === undefined) return [`there is no ${kind} in ${apiVersion}`]
  const watched = watch(object, `${kind}/${object.metadata.name}`)
  try {
    model.prototype.validate.call(watched.value)
  } catch (cause) {
    return [`${kind}/${object.metadata.name}: ${cause instanceof Error ? cause.message : cause}`]
  }
  return watched.unknownFields()
}

/**
 * `value`, and which of its fields nobody has looked at. The schemas let unknown fields pass, where `kubectl apply` refuses
 * them; but they look at each field that they know, and at no field of a mapping that may hold anything.
 */
function watch(value: object, path: string) {
  const children: (() => readonly string[])[] = []
  const seen = new Set<PropertyKey>()
  let looksAtAll = Array.isArray(value)
  let looksAtOne = false
  const proxies = new Map<PropertyKey, unknown>()
  const proxy = new Proxy(value, {
    get(target, key) {
      const found: unknown = Reflect.get(target, key)
      looksAtOne = true
      if (!Object.hasOwn(target, key)) return found
      seen.add(key)
      if (typeof found !== 'object' || found === null) return found
      if (!proxies.has(key)) {
        const child = watch(found, `${path}.${String(key)}`)
        proxies.set(key, child.value)
        children.push(child.unknownFields)
      }
      return proxies.get(key)
    },
    ownKeys(target) {
      looksAtAll = true
      return Reflect.ownKeys(target)
    },
  })
  const unseen = () => {
    if (looksAtAll || !looksAtOne) return []
    return Object.keys(value).filter((key) => !seen.has(key))
  }
  return {
    value: proxy,
    unknownFields: (): readonly string[] => [
      ...unseen().map((key) => `${path}.${key}: there is no such field`),
      ...children.flatMap((child) => child()),
    ],
  }
}
