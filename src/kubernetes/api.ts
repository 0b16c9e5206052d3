/** The API server of a cluster: requests with the rights of our service account. The only user of the client library. */

import { delimiter } from 'node:path'
import type { KubeConfig, RequestContext } from '@kubernetes/client-node'
import { textAt } from './objects.ts'

export type Query = Readonly<Record<string, string | number | undefined>>

export interface WatchEvent {
  /** `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK` or `ERROR`. */
  readonly type: string
  readonly object: unknown
}

export interface ClusterApi {
  /** @throws ApiError */
  get(path: string, query?: Query): Promise<unknown>
  /** @throws ApiError */
  send(method: 'POST' | 'PATCH', path: string, body: unknown): Promise<unknown>
  /**
   * Resolves when the watch has ended in good order, or has been silent for too long: a connection that is half open
   * says nothing either. Rejects with ApiError, or with what the network says. `onEvent` must not throw.
   */
  watch(
    path: string,
    query: Query,
    onEvent: (event: WatchEvent) => void,
    signal: AbortSignal,
  ): Promise<void>
  /** Ends all that is under way. */
  close(): void
}

/** The API server has answered, and not well. */
export class ApiError extends Error {
  /** 0: it could not be reached. */
  readonly status: number

  constructor(status: number, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'ApiError'
    this.status = status
  }
}

export interface ApiOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** A watch that says nothing for so long is begun anew. Servers send a bookmark each minute. */
  readonly quietMs?: number
}

const QUIET_MS = 90_000
const ANSWER_MS = 30_000
/** Tokens of service accounts change; the client reads theirs anew once a minute. */
const CREDENTIALS_MS = 60_000

/** Loads the client library, which takes its time and its memory. @throws Error that says what to set */
export async function connectCluster({ env, quietMs = QUIET_MS }: ApiOptions): Promise<ClusterApi> {
  const client = await import('@kubernetes/client-node')
  const config = new client.KubeConfig()
  loadConfig(config, env, () => new client.KubeConfig())
  const server = config.getCurrentCluster()?.server
  if (server === undefined) throw new Error('the kubeconfig has no current context with a cluster')
  const { httpApi } = client.createConfiguration()
  const closing = new AbortController()
  let known: { readonly context: RequestContext; readonly until: number } | undefined

  /** Each set of credentials brings its own connections, so that it is used for more than one request. */
  const request = async (method: string, path: string, query: Query) => {
    const context = new client.RequestContext(urlOf(server, path, query), method as never)
    if (known !== undefined && performance.now() < known.until) {
      for (const [name, value] of Object.entries(known.context.getHeaders())) {
        context.setHeaderParam(name, value)
      }
      const dispatcher = known.context.getDispatcher()
      if (dispatcher !== undefined) context.setDispatcher(dispatcher)
      return context
    }
    await config.applySecurityAuthentication(context)
    const kept = new client.RequestContext(server, 'GET' as never)
    for (const [name, value] of Object.entries(context.getHeaders()))
      kept.setHeaderParam(name, value)
    const dispatcher = context.getDispatcher()
    if (dispatcher !== undefined) kept.setDispatcher(dispatcher)
    known = { context: kept, until: performance.now() + CREDENTIALS_MS }
    return context
  }

  const call = async (method: string, path: string, query: Query, body?: unknown) => {
    const context = await request(method, path, query).catch(unreachable)
    context.setHeaderParam('Accept', 'application/json')
    context.setSignal(AbortSignal.any([closing.signal, AbortSignal.timeout(ANSWER_MS)]))
    if (body !== undefined) {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
      context.setHeaderParam('Content-Type', type)
      context.setBody(JSON.stringify(body))
    }
    const answer = await httpApi.send(context).toPromise().catch(unreachable)
    const text = await answer.body.text().catch(unreachable)
    const status = answer.httpStatusCode
    if (status === 401) known = undefined
    if (status < 200 || status > 299) throw new ApiError(status, messageOf(status, text))
    return JSON.parse(text) as unknown
  }

  return {
    get: (path, query = {}) => call('GET', path, query),
    send: (method, path, body) => call(method, path, {}, body),
    watch: (path, query, onEvent, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const watch = new client.Watch(config)
      // Not in its types; without it each quiet watch would be begun anew twice a minute.
      Object.assign(watch, { requestTimeoutMs: quietMs })
      const over = (cause: unknown) => {
        if (cause === null || cause === undefined || nameOf(cause) === 'TimeoutError') resolve()
        else reject(asApiError(cause))
      }
      const ends = AbortSignal.any([signal, closing.signal])
      watch
        .watch(path, definedIn(query), (type, object) => onEvent({ type, object }), over)
        .then((begun) => {
          if (ends.aborted) begun.abort()
          else ends.addEventListener('abort', () => begun.abort(), { once: true })
        }, reject)
      // Also where there is no answer yet: nobody waits for it any more.
      ends.addEventListener('abort', () => resolve(), { once: true })
      return promise
    },
    close: () => closing.abort(),
  }
}

function loadConfig(config: KubeConfig, env: ApiOptions['env'], another: () => KubeConfig): void {
  const files = (env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '')
  const [first, ...others] = files
  if (first !== undefined) {
    config.loadFromFile(first)
    for (const file of others) {
      const next = another()
      next.loadFromFile(file)
      config.mergeConfig(next)
    }
    return
  }
  if (env['KUBERNETES_SERVICE_HOST'] === undefined) {
    throw new Error(
      '`--kubernetes` finds no cluster: run it in a pod, or set KUBECONFIG to the file of a cluster',
    )
  }
  config.loadFromCluster()
}

function urlOf(server: string, path: string, query: Query): string {
  const url = new URL(server.replace(/\/$/, '') + path)
  for (const [key, value] of Object.entries(definedIn(query))) url.searchParams.set(key, `${value}`)
  return url.href
}

function definedIn(query: Query): Record<string, string | number> {
  const entries = Object.entries(query)
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string | number] => entry[1] !== undefined),
  )
}

function messageOf(status: number, text: string): string {
  try {
    return textAt(JSON.parse(text), ['message']) ?? `HTTP ${status}`
  } catch {
    return `HTTP ${status}`
  }
}

function asApiError(cause: unknown): unknown {
  const status = (cause as { readonly statusCode?: unknown }).statusCode
  if (typeof status === 'number') return new ApiError(status, `HTTP ${status}`, cause)
  return new ApiError(0, reasonOf(cause), cause)
}

function unreachable(cause: unknown): never {
  throw new ApiError(0, reasonOf(cause), cause)
}

/** `fetch failed` says little; what it was caused by does. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause instanceof Error ? reasonOf(cause.cause) : cause.message
}

function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : ''
}
