/**
 * The API server of a Kubernetes cluster, as far as list and watch go: resource versions, pages, watches that begin where
 * a list ended, bookmarks, 410 Gone, conflicts. It keeps objects as they are put, over TLS and by a bearer token.
 */

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { readYaml } from '../../src/support/yaml-document.ts'
import { selfSigned } from './self-signed.ts'
import { tempFolder, writeFiles } from './temp-folder.ts'

export type Json = { readonly [key: string]: unknown }

interface Stored {
  readonly plural: string
  readonly object: Json
}

interface Change extends Stored {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly version: number
}

interface OpenWatch {
  readonly plural: string
  readonly answer: ServerResponse
  readonly bookmarks: boolean
  takes(object: Json): boolean
}

export interface Cluster {
  /** A kubeconfig that leads here. */
  readonly kubeconfig: string
  /** `GET /path?query` of all requests so far. */
  readonly requests: readonly string[]
  /** Creates the object or puts it in the place of the one that there is; what it becomes. */
  apply(object: Json): Json
  remove(kind: string, namespace: string, name: string): void
  get(kind: string, namespace: string, name: string): Json | undefined
  list(kind: string): readonly Json[]
  /** How many watches are open. */
  watches(): number
  /** Ends all watches. `mid-line`: after half of an event; `orderly`: as after `timeoutSeconds`; `error`: by an event. */
  breakWatches(how: 'reset' | 'mid-line' | 'orderly' | 'error'): void
  bookmark(): void
  /** Forgets all changes so far: whoever watches from before gets 410, as a status or as an event. */
  compact(as: 'status' | 'event'): void
  /** The next so many writes of a status meet an object that somebody else has just changed. */
  conflict(times: number): void
  /** Connections are taken and nothing is answered, until it is called with false. */
  hang(isHanging: boolean): void
  /** Each answer comes so much later. */
  slow(ms: number): void
  /** Refuses paths that match, as without the right. */
  forbid(path: RegExp | undefined): void
  /** Drops all connections and takes no more, until `up`. */
  down(): Promise<void>
  up(): Promise<void>
}

const PLURALS: Readonly<Record<string, string>> = {
  Ingress: 'ingresses',
  IngressClass: 'ingressclasses',
  Service: 'services',
  Secret: 'secrets',
  Event: 'events',
}
const TOKEN = 'token-of-the-service-account'

/** The rights that docs/kubernetes-ingress.md asks for, which are all that the token has. */
function documentedRights(): (method: string, url: URL) => boolean {
  const page = readFileSync(join(import.meta.dirname, '../../docs/kubernetes-ingress.md'), 'utf8')
  const role = /```yaml\n([^`]*kind: ClusterRole[^`]*)```/.exec(page)?.[1] ?? ''
  const { rules } = readYaml('ClusterRole', role).value as {
    readonly rules: readonly Readonly<Record<'apiGroups' | 'resources' | 'verbs', string[]>>[]
  }
  return (method, url) => {
    const group = url.pathname.startsWith('/apis/networking.k8s.io/') ? 'networking.k8s.io' : ''
    const { plural, key, sub } = placeOf(url) ?? {}
    const resource = sub === undefined ? plural : `${plural}/${sub}`
    const read = key !== undefined ? 'get' : url.searchParams.has('watch') ? 'watch' : 'list'
    const verb = method === 'GET' ? read : method === 'POST' ? 'create' : method.toLowerCase()
    return rules.some(
      ({ apiGroups, resources, verbs }) =>
        apiGroups.includes(group) && resources.includes(resource ?? '') && verbs.includes(verb),
    )
  }
}

/** @param http2 as real ones speak it; false: HTTP/1.1 alone, as behind some proxies */
export async function startCluster(t: Test, http2 = true): Promise<Cluster> {
  const mayDo = documentedRights()
  const state = createState()
  const tls = selfSigned(['127.0.0.1'])
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const faults = { isHanging: false, delay: 0, forbidden: undefined as RegExp | undefined }
  const handle = async (request: IncomingMessage, answer: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'https://cluster')
    requests.push(`${request.method} ${url.pathname}${url.search}`)
    if (faults.isHanging) return
    if (faults.delay > 0) await new Promise((done) => setTimeout(done, faults.delay))
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      return refuse(answer, 401, 'Unauthorized', 'Unauthorized')
    }
    const isForbidden = faults.forbidden?.test(url.pathname) === true
    if (isForbidden || !mayDo(request.method ?? '', url)) {
      return refuse(answer, 403, 'Forbidden', `${url.pathname} is forbidden`)
    }
    state.answer(request.method ?? '', url, await text(request), answer)
  }
  const listener = (request: IncomingMessage, answer: ServerResponse) => {
    handle(request, answer).catch(() => answer.destroy())
  }
  const server = http2
    ? createSecureServer({ ...tls, allowHTTP1: true }, (request, answer) =>
        // Node's HTTP/2 has the same methods, and other types.
        listener(request as unknown as IncomingMessage, answer as unknown as ServerResponse),
      )
    : createServer(tls, listener)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const down = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  t.teardown(down)
  return {
    ...state.tools,
    kubeconfig: writeKubeconfig(t, port, tls.cert, TOKEN),
    requests,
    hang: (isHanging) => {
      faults.isHanging = isHanging
    },
    slow: (ms) => {
      faults.delay = ms
    },
    forbid: (path) => {
      faults.forbidden = path
    },
    down,
    up: () => listen(port),
  }
}

/** A kubeconfig with a CA and a bearer token. */
export function writeKubeconfig(t: Test, port: number, ca: string, token: string): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [
      {
        name: 'test',
        cluster: {
          server: `https://127.0.0.1:${port}`,
          'certificate-authority-data': Buffer.from(ca).toString('base64'),
        },
      },
    ],
    users: [{ name: 'test', user: { token } }],
  }
  const folder = tempFolder(t)
  writeFiles(folder, { kubeconfig: JSON.stringify(config) })
  return join(folder, 'kubeconfig')
}

function createState() {
  const objects = new Map<string, Stored>()
  const history: Change[] = []
  const watches = new Set<OpenWatch>()
  const pages = new Map<string, { readonly rest: readonly Json[]; readonly version: number }>()
  let version = 100
  let oldest = 0
  let goneAs: 'status' | 'event' = 'event'
  let conflicts = 0

  const change = (type: Change['type'], { plural, object }: Stored) => {
    const made = { type, plural, object, version }
    history.push(made)
    for (const watch of watches) {
      if (watch.plural === plural && watch.takes(object)) writeEvent(watch, type, object)
    }
  }
  const put = (plural: string, object: Json): Json => {
    const meta = object['metadata'] as Json
    const key = keyOf(plural, meta)
    const before = objects.get(key)?.object['metadata'] as Json | undefined
    version++
    const stored = {
      ...object,
      metadata: {
        creationTimestamp: before?.['creationTimestamp'] ?? '2026-01-01T00:00:00Z',
        uid: before?.['uid'] ?? randomUUID(),
        ...meta,
        resourceVersion: String(version),
      },
    }
    objects.set(key, { plural, object: stored })
    change(before === undefined ? 'ADDED' : 'MODIFIED', { plural, object: stored })
    return stored
  }
  const found = (plural: string, takes: (object: Json) => boolean) =>
    [...objects.values()].filter((one) => one.plural === plural && takes(one.object))

  const list = (url: URL, where: Place, answer: ServerResponse) => {
    const token = url.searchParams.get('continue')
    const kept = token === null ? undefined : pages.get(token)
    if (token !== null && kept === undefined) {
      return refuse(answer, 410, 'Expired', 'The provided continue parameter is too old')
    }
    const all = kept?.rest ?? found(where.plural, where.takes).map(({ object }) => object)
    const at = kept?.version ?? version
    const limit = Number(url.searchParams.get('limit') ?? all.length) || all.length
    const rest = all.slice(limit)
    const next = rest.length === 0 ? undefined : randomUUID()
    if (next !== undefined) pages.set(next, { rest, version: at })
    send(answer, 200, {
      kind: 'List',
      apiVersion: 'v1',
      metadata: { resourceVersion: String(at), continue: next, remainingItemCount: rest.length },
      items: all.slice(0, limit),
    })
  }

  const watch = (url: URL, where: Place, answer: ServerResponse) => {
    const from = Number(url.searchParams.get('resourceVersion'))
    const seconds = Number(url.searchParams.get('timeoutSeconds') ?? 0)
    const isGone = from < oldest
    if (isGone && goneAs === 'status') {
      return refuse(answer, 410, 'Expired', `too old resource version: ${from}`)
    }
    answer.writeHead(200, { 'content-type': 'application/json' })
    answer.flushHeaders()
    const open: OpenWatch = {
      ...where,
      answer,
      bookmarks: url.searchParams.get('allowWatchBookmarks') === 'true',
    }
    if (isGone) {
      writeEvent(open, 'ERROR', status(410, 'Expired', `too old resource version: ${from}`))
      return answer.end()
    }
    for (const one of history) {
      if (one.version > from && one.plural === where.plural && where.takes(one.object)) {
        writeEvent(open, one.type, one.object)
      }
    }
    watches.add(open)
    const timer = seconds > 0 ? setTimeout(() => answer.end(), seconds * 1_000) : undefined
    answer.on('close', () => {
      clearTimeout(timer)
      watches.delete(open)
    })
  }

  const patchStatus = (key: string, patch: Json, answer: ServerResponse) => {
    if (conflicts > 0) {
      conflicts--
      const rival = objects.get(key)
      if (rival !== undefined) put(rival.plural, { ...rival.object, spec: rival.object['spec'] })
    }
    const stored = objects.get(key)
    if (stored === undefined) return refuse(answer, 404, 'NotFound', 'not found')
    const { object, plural } = stored
    const asked = (patch['metadata'] as Json | undefined)?.['resourceVersion']
    if (asked !== undefined && asked !== (object['metadata'] as Json)['resourceVersion']) {
      return refuse(answer, 409, 'Conflict', 'the object has been modified')
    }
    send(answer, 200, put(plural, { ...object, status: patch['status'] }))
  }

  const create = (plural: string, object: Json, answer: ServerResponse) => {
    if (objects.has(keyOf(plural, object['metadata'] as Json))) {
      return refuse(answer, 409, 'AlreadyExists', 'already exists')
    }
    send(answer, 201, put(plural, object))
  }

  return {
    answer: (method: string, url: URL, body: string, answer: ServerResponse) => {
      const where = placeOf(url)
      if (where === undefined) return refuse(answer, 404, 'NotFound', 'no such path')
      const { plural, key, sub } = where
      if (method === 'POST') return create(plural, JSON.parse(body) as Json, answer)
      if (method === 'PATCH' && sub === 'status' && key !== undefined) {
        return patchStatus(key, JSON.parse(body) as Json, answer)
      }
      if (method !== 'GET') return refuse(answer, 405, 'MethodNotAllowed', method)
      if (key !== undefined) {
        const stored = objects.get(key)
        if (stored === undefined) return refuse(answer, 404, 'NotFound', 'not found')
        return send(answer, 200, stored.object)
      }
      return url.searchParams.get('watch') === 'true'
        ? watch(url, where, answer)
        : list(url, where, answer)
    },
    tools: {
      apply: (object: Json) => put(pluralOf(String(object['kind'])), object),
      remove: (kind: string, namespace: string, name: string) => {
        const key = keyOf(pluralOf(kind), { namespace, name })
        const stored = objects.get(key)
        if (stored === undefined) throw new Error(`there is no ${key}`)
        objects.delete(key)
        version++
        const metadata = {
          ...(stored.object['metadata'] as Json),
          resourceVersion: String(version),
        }
        change('DELETED', { ...stored, object: { ...stored.object, metadata } })
      },
      get: (kind: string, namespace: string, name: string) =>
        objects.get(keyOf(pluralOf(kind), { namespace, name }))?.object,
      list: (kind: string) => found(pluralOf(kind), () => true).map(({ object }) => object),
      watches: () => watches.size,
      breakWatches: (how: 'reset' | 'mid-line' | 'orderly' | 'error') => {
        for (const open of watches) {
          if (how === 'orderly') open.answer.end()
          else if (how === 'error') {
            writeEvent(open, 'ERROR', status(500, 'InternalError', 'etcd has no leader'))
            open.answer.end()
          } else if (how === 'reset') open.answer.destroy()
          else {
            const half = '{"type":"MODIFIED","object":{"kind":"Ingress","metadata":{"name":"half'
            open.answer.write(half, () => open.answer.destroy())
          }
        }
        watches.clear()
      },
      bookmark: () => {
        for (const open of watches) {
          if (!open.bookmarks) continue
          const metadata = { resourceVersion: String(version) }
          writeEvent(open, 'BOOKMARK', { kind: 'Bookmark', metadata })
        }
      },
      compact: (as: 'status' | 'event') => {
        oldest = version + 1
        version++
        goneAs = as
        history.length = 0
        pages.clear()
      },
      conflict: (times: number) => {
        conflicts = times
      },
    },
  }
}

interface Place {
  readonly plural: string
  /** Of one object. */
  readonly key: string | undefined
  readonly sub: string | undefined
  takes(object: Json): boolean
}

/** Groups, namespaces, names and selectors, as paths and queries of the API have them. */
function placeOf(url: URL): Place | undefined {
  const match =
    /^\/(?:api\/v1|apis\/networking\.k8s\.io\/v1)(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
      url.pathname,
    )
  const [, namespace, plural, name, sub] = match ?? []
  if (plural === undefined) return undefined
  const selected = /^metadata\.name=(.+)$/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1]
  return {
    plural,
    key: name === undefined ? undefined : keyOf(plural, { namespace, name }),
    sub,
    takes: (object) => {
      const meta = object['metadata'] as Json
      return (
        (namespace === undefined || meta['namespace'] === namespace) &&
        (selected === undefined || meta['name'] === selected)
      )
    },
  }
}

function pluralOf(kind: string): string {
  const plural = PLURALS[kind]
  if (plural === undefined) throw new Error(`no kind ${kind}`)
  return plural
}

function keyOf(plural: string, { namespace, name }: Json): string {
  return `${plural}/${namespace ?? ''}/${name}`
}

function writeEvent({ answer }: Pick<OpenWatch, 'answer'>, type: string, object: Json): void {
  answer.write(`${JSON.stringify({ type, object })}\n`)
}

function status(code: number, reason: string, message: string): Json {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }
}

function refuse(answer: ServerResponse, code: number, reason: string, message: string): void {
  send(answer, code, status(code, reason, message))
}

function send(answer: ServerResponse, code: number, body: Json): void {
  answer.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
