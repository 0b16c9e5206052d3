/** One request to an upstream as a route describes it: its socket or address, its TLS, its version of HTTP. */

import { request as requestOver } from 'node:http'
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls, getCACertificates, TLSSocket } from 'node:tls'
import type { Route, UpstreamUrl } from '../policy/route.ts'

export interface UpstreamAnswer {
  readonly status: number
  /** As much of it as fits. */
  readonly body: string
  /** When the certificate runs out; undefined without TLS. */
  readonly certificateEnds: Date | undefined
}

export interface UpstreamQuestion {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** No answer takes longer. */
const TIMEOUT_MS = 5_000
const MAX_BODY = 8_192

/** Why nothing came: `code` as Node or OpenSSL name it. */
export class NoAnswer extends Error {
  readonly code: string

  constructor(cause: unknown) {
    const { message, code = '' } = cause as NodeJS.ErrnoException
    super(message || code, { cause })
    this.code = code
  }
}

/** @throws NoAnswer */
export async function askUpstream(
  url: UpstreamUrl,
  tls: Route['tls'],
  question: UpstreamQuestion,
): Promise<UpstreamAnswer> {
  const socket = open(url, tls)
  const late = setTimeout(() => socket.destroy(new Error('no answer within 5 s')), TIMEOUT_MS)
  try {
    await connected(socket)
    const overTls = socket instanceof TLSSocket ? socket : undefined
    const certificateEnds = overTls && new Date(overTls.getPeerCertificate().valid_to)
    const isHttp2 = url.h2c || overTls?.alpnProtocol === 'h2'
    const answer = await (isHttp2 ? askHttp2 : askHttp1)(socket, url, question)
    return { ...answer, certificateEnds }
  } catch (cause) {
    throw new NoAnswer(cause)
  } finally {
    clearTimeout(late)
    socket.destroy()
  }
}

function open({ scheme, hostname, port, socketPath }: UpstreamUrl, tls: Route['tls']): Socket {
  const place = socketPath === undefined ? { host: hostname, port } : { path: socketPath }
  if (scheme === 'http') return connectPlain(place)
  const name = tls.serverName ?? hostname
  return connectTls({
    ...place,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ALPNProtocols: ['h2', 'http/1.1'],
    rejectUnauthorized: !tls.skipVerify,
    ...(tls.customCa === undefined ? {} : { ca: [...getCACertificates('default'), tls.customCa] }),
    ...(tls.client ?? {}),
  })
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', resolve)
    socket.once('error', reject)
  })
}

type Answer = Omit<UpstreamAnswer, 'certificateEnds'>

function askHttp1(socket: Socket, url: UpstreamUrl, question: UpstreamQuestion): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = requestOver({
      createConnection: () => socket,
      path: question.path,
      headers: { host: authority(url), ...question.headers, connection: 'close' },
    })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      collect(response, (body) => resolve({ status: response.statusCode ?? 0, body }))
    })
    outgoing.end()
  })
}

function askHttp2(socket: Socket, url: UpstreamUrl, question: UpstreamQuestion): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`${url.scheme}://${authority(url)}`, {
      createConnection: () => socket,
    })
    session.on('error', reject)
    const stream = session.request({ ':path': question.path, ...question.headers })
    stream.on('error', reject)
    stream.on('response', (headers: IncomingHttpHeaders) => {
      collect(stream, (body) => {
        session.close()
        resolve({ status: Number(headers[':status']), body })
      })
    })
    stream.end()
  })
}

/** Calls `done` with what has come when it is enough, is over, or breaks off: what counts is that there is an answer. */
function collect(stream: NodeJS.ReadableStream, done: (body: string) => void): void {
  let body = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    body += text
    if (body.length >= MAX_BODY) done(body)
  })
  for (const end of ['end', 'error', 'close']) stream.on(end, () => done(body))
}

function authority({ origin, socketPath }: UpstreamUrl): string {
  return socketPath === undefined ? new URL(origin.replace(/^h2c:/, 'http:')).host : 'localhost'
}
