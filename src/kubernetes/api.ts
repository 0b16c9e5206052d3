/** The API server of a cluster: requests with the rights of our service account. The only user of the client library. */

import { delimiter } from 'node:path'
import type { KubeConfig, RequestContext } from '@kubernetes/client-node'
import { textAt } from './objects.ts'

type Dispatcher = NonNullable<ReturnType<RequestContext['getDispatcher']>>

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
/** The authorities that vouch for the API server change too. */
const CONNECTIONS_MS = 10 * 60_000

/** Loads the client library, which takes its time and its memory. @throws Error that says what to set */
export async function connectCluster({ env, quietMs = QUIET_MS }: ApiOptions): Promise<ClusterApi> {
  const client = await import('@kubernetes/client-node')
  const config = new client.KubeConfig()
  loadConfig(config, env, () => new client.KubeConfig())
  const server = config.getCurrentCluster()?.server
  if (server === undefined) throw new Error('the kubeconfig has no current context with a cluster')
  const { httpApi } = client.createConfiguration()
  const closing = new AbortController()
  let credentials: { readonly headers: Record<string, string>; readonly until: number } | undefined
  let connections: { readonly dispatcher: Dispatcher; readonly until: number } | undefined

  const opened = new Set<Dispatcher>()

  /** What is under way on the present connections goes on; they close after it. */
  const retire = () => {
    const dispatcher = connections?.dispatcher
    connections = undefined
    dispatcher
      ?.close()
      .catch(() => undefined)
      .finally(() => opened.delete(dispatcher))
  }
  /** The client would open a connection for each request and each watch: shared ones carry them all, by HTTP/2. */
  const authenticate = async (context: RequestContext): Promise<void> => {
    const now = performance.now()
    if (credentials === undefined || credentials.until < now) {
      const fresh = new client.RequestContext(server, 'GET')
      await config.applySecurityAuthentication(fresh)
      credentials = { headers: fresh.getHeaders(), until: now + CREDENTIALS_MS }
      const dispatcher = fresh.getDispatcher()
      if (dispatcher !== undefined && (connections === undefined || connections.until < now)) {
        retire()
        connections = { dispatcher, until: now + CONNECTIONS_MS }
        opened.add(dispatcher)
      }
    }
    for (const [name, value] of Object.entries(credentials.headers)) {
      context.setHeaderParam(name, value)
    }
    if (connections !== undefined) context.setDispatcher(connections.dispatcher)
  }
  /** What is refused, or cannot be reached, may be so because of what we hold. */
  const forget = (status: number) => {
    if (status !== 401 && status !== 0) return
    credentials = undefined
    retire()
  }
  const sharing: KubeConfig = Object.assign(Object.create(config), {
    applySecurityAuthentication: authenticate,
  })

  const call = async (method: 'GET' | 'POST' | 'PATCH', url: string, body?: unknown) => {
    const context = new client.RequestContext(url, method)
    await authenticate(context)
    context.setHeaderParam('Accept', 'application/json')
    context.setSignal(AbortSignal.any([closing.signal, AbortSignal.timeout(ANSWER_MS)]))
    if (body !== undefined) {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
      context.setHeaderParam('Content-Type', type)
      context.setBody(JSON.stringify(body))
    }
    const answer = await httpApi.send(context).toPromise()
    const text = await answer.body.text()
    const { httpStatusCode: status } = answer
    if (status < 200 || status > 299) throw new ApiError(status, messageOf(status, text))
    return JSON.parse(text) as unknown
  }
  const failed = (cause: unknown): never => {
    const error = asApiError(cause)
    forget(error.status)
    throw error
  }

  return {
    get: (path, query = {}) => call('GET', urlOf(server, path, query)).catch(failed),
    send: (method, path, body) => call(method, urlOf(server, path, {}), body).catch(failed),
    watch: (path, query, onEvent, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const watch = new client.Watch(sharing)
      // Not in its types; without it each quiet watch would be begun anew twice a minute.
      Object.assign(watch, { requestTimeoutMs: quietMs })
      const over = (cause: unknown) => {
        if (cause === null || cause === undefined || nameOf(cause) === 'TimeoutError') {
          return resolve()
        }
        const error = asApiError(cause)
        forget(error.status)
        reject(error)
      }
      const ends = AbortSignal.any([signal, closing.signal])
      watch
        .watch(path, definedIn(query), (type, object) => onEvent({ type, object }), over)
        .then((begun) => {
          if (ends.aborted) begun.abort()
          else ends.addEventListener('abort', () => begun.abort(), { once: true })
        }, over)
      // Also where there is no answer yet: nobody waits for it any more.
      ends.addEventListener('abort', () => resolve(), { once: true })
      return promise
    },
    close: () => {
      closing.abort()
      // What hangs must not keep the process.
      for (const dispatcher of opened) dispatcher.destroy().catch(() => undefined)
    },
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

function asApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause
  const status = (cause as { readonly statusCode?: unknown } | null)?.statusCode
  if (typeof status === 'number') return new ApiError(status, `HTTP ${status}`, cause)
  return new ApiError(0, reasonOf(cause), cause)
}

/** `fetch failed` says little; what it was caused by does. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause instanceof Error ? reasonOf(cause.cause) : cause.message
}

function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : ''
}
