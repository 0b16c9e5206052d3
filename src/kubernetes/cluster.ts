/** All of a cluster that matters here, followed: Ingresses, their classes and Services, and only those Secrets that they name. */

import type { Log } from '../support/log.ts'
import type { ClusterApi } from './api.ts'
import type { FoundSecret } from './certificates.ts'
import { type Collection, type CollectionOptions, followCollection } from './collection.ts'
import {
  type Address,
  type ClusterObject,
  readIngress,
  readIngressClass,
  readSecret,
  readService,
  type SecretObject,
  type ServiceObject,
} from './objects.ts'
import type { ClusterView } from './translate.ts'

export interface Cluster {
  view(): ClusterView
  /** From now on these Secrets are followed (`namespace/name`), and no others. */
  followSecrets(keys: ReadonlySet<string>): void
  /** From now on this Service (`namespace/name`) says under which addresses Gatehouse is reached. */
  followPublished(key: string | undefined): void
  /** `undefined`: not known. */
  publishedAddresses(): readonly Address[] | undefined
  /** Resolves once all has been listed, and each Secret that was named by then has been tried. */
  synced(): Promise<void>
  close(): void
}

export interface ClusterOptions {
  readonly api: ClusterApi
  /** Empty: all. */
  readonly namespaces: readonly string[]
  readonly onChange: () => void
  readonly log: Log
}

const NETWORKING = '/apis/networking.k8s.io/v1'

export function followCluster({ api, namespaces, onChange, log }: ClusterOptions): Cluster {
  const follow = <T extends ClusterObject>(
    path: string,
    read: (raw: unknown) => T,
    query?: CollectionOptions<T>['query'],
  ) =>
    followCollection({ api, path, read, onChange, log, ...(query === undefined ? {} : { query }) })
  /** In all namespaces that matter. */
  const inNamespaces = <T extends ClusterObject>(
    group: string,
    plural: string,
    read: (raw: unknown) => T,
  ) =>
    namespaces.length === 0
      ? [follow(`${group}/${plural}`, read)]
      : namespaces.map((name) => follow(`${group}/namespaces/${name}/${plural}`, read))
  /** The right to one object suffices for it, and nothing of the others is seen. */
  const one = <T extends ClusterObject>(
    key: string,
    plural: string,
    read: (raw: unknown) => T,
  ): Collection<T> => {
    const [namespace, name] = key.split('/')
    const query = { fieldSelector: `metadata.name=${name}` }
    return follow(`/api/v1/namespaces/${namespace}/${plural}`, read, query)
  }
  const classes = follow(`${NETWORKING}/ingressclasses`, readIngressClass)
  const ingresses = inNamespaces(NETWORKING, 'ingresses', readIngress)
  const services = inNamespaces('/api/v1', 'services', readService)
  const secrets = new Map<string, { readonly found: Collection<SecretObject>; isTried: boolean }>()
  let published: { readonly key: string; readonly found: Collection<ServiceObject> } | undefined

  const secret = (namespace: string, name: string): FoundSecret => {
    const key = `${namespace}/${name}`
    const followed = secrets.get(key)
    const found = followed?.found.items().get(key)
    if (found !== undefined) return found
    if (followed === undefined) return 'beyond'
    return followed?.isTried === true ? 'missing' : 'unknown'
  }
  const followSecret = (key: string) => {
    const found = one(key, 'secrets', readSecret)
    const followed = { found, isTried: false }
    secrets.set(key, followed)
    void found.tried.then(() => {
      followed.isTried = true
      onChange()
    })
  }
  return {
    view: () => ({
      classes: classes.items(),
      ingresses: ingresses.flatMap((one) => [...one.items().values()]),
      services: joined(services),
      secret,
    }),
    followSecrets: (keys) => {
      for (const [key, { found }] of secrets) {
        if (keys.has(key)) continue
        found.close()
        secrets.delete(key)
      }
      for (const key of keys) if (!secrets.has(key)) followSecret(key)
    },
    followPublished: (key) => {
      if (published?.key === key) return
      published?.found.close()
      published = key === undefined ? undefined : { key, found: one(key, 'services', readService) }
    },
    publishedAddresses: () => published?.found.items().get(published.key)?.addresses,
    synced: async () => {
      await Promise.all([classes, ...ingresses, ...services].map((all) => all.synced))
      await Promise.all([...secrets.values()].map(({ found }) => found.tried))
    },
    close: () => {
      for (const all of [classes, ...ingresses, ...services]) all.close()
      for (const { found } of secrets.values()) found.close()
      published?.found.close()
    },
  }
}

function joined<T>(collections: readonly Collection<T>[]): ReadonlyMap<string, T> {
  const [first, ...others] = collections
  if (first !== undefined && others.length === 0) return first.items()
  return new Map(collections.flatMap((all) => [...all.items()]))
}
