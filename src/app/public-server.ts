/** The public listener: the pipeline takes every request first; Fastify serves our endpoints and carries WebSockets. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import Fastify, { type FastifyInstance } from 'fastify'
import type { ServerConfig } from '../config/schema-server.ts'
import { endpoints } from '../endpoints/endpoints.ts'
import { attachExchange } from '../endpoints/exchange.ts'
import type { EndpointOptions } from '../endpoints/visit.ts'
import type { UpgradeParts } from '../proxy/admit-upgrade.ts'
import { answerForm } from '../proxy/answer-form.ts'
import { createFastPipeline } from '../proxy/fast-pipeline.ts'
import { createH2Connect } from '../proxy/h2-connect.ts'
import { createH2Pipeline } from '../proxy/h2-pipeline.ts'
import { createH2Sessions } from '../proxy/h2-sessions.ts'
import { type BrokenRequest, createListener } from '../proxy/listener.ts'
import { createPipeline, type OwnRequest } from '../proxy/pipeline.ts'
import type { Certificates } from '../proxy/tls.ts'
import { carryUpgrade, UPGRADE_PATH, webSocketUpgrades } from '../proxy/upgrade.ts'

export interface PublicServerOptions {
  readonly certificates: Certificates | undefined
  /** What is in force now. */
  readonly server: () => ServerConfig
  readonly parts: Omit<UpgradeParts, 'answerOwn'>
  readonly endpoints: EndpointOptions
  readonly onBrokenRequest: (broken: BrokenRequest) => void
}

/** A sign-out form is the largest thing that is posted to us. */
const MAX_FORM_BYTES = 64 * 1024

export async function createPublicServer(options: PublicServerOptions): Promise<FastifyInstance> {
  let toFastify: (request: IncomingMessage, response: ServerResponse) => void
  const parts: UpgradeParts = {
    ...options.parts,
    answerOwn: (own) => {
      const { request, response } = own.received
      handToEndpoints(own, options)
      toFastify(request, response)
    },
  }
  const pipeline = createPipeline(parts)
  const h2Pipeline = createH2Pipeline(parts)
  const sessions = createH2Sessions({
    limits: () => options.server().limits,
    draining: parts.draining,
    onRequest: h2Pipeline,
    onConnect: createH2Connect(parts, h2Pipeline, (request, upgrade) =>
      carryUpgrade(fastify.server, request, upgrade),
    ),
  })
  const fastify = Fastify({
    logger: false,
    bodyLimit: MAX_FORM_BYTES,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // The listener has its own.
    clientErrorHandler: () => undefined,
    rewriteUrl: (request) => (isUpgrade(request) ? UPGRADE_PATH : (request.url ?? '/')),
    serverFactory: (handler) => {
      toFastify = handler
      return createListener({
        certificates: options.certificates,
        limits: () => options.server().limits,
        http2: {
          sessions,
          alpn: () => options.server().http2,
          h2c: () => options.server().h2c,
        },
        upgrades: true,
        onRequest: pipeline,
        onFastRequest: createFastPipeline(parts),
        onBrokenRequest: options.onBrokenRequest,
      })
    },
  })
  fastify.register((scope, _options, done) => {
    endpoints(scope, options.endpoints).then(() => done(), done)
  })
  fastify.register((scope, _options, done) => {
    webSocketUpgrades(scope, parts)
    done()
  })
  return fastify
}

/** What the listener has let through as an upgrade. Node sets this field, and its types do not know it. */
function isUpgrade(request: object): boolean {
  return (request as { readonly upgrade?: boolean }).upgrade === true
}

/** Endpoints see the request as it was read, and no other way. */
function handToEndpoints(own: OwnRequest, options: PublicServerOptions): void {
  const { host, path, origin, secure, received } = own
  const { request } = received
  attachExchange(request, {
    host,
    path,
    origin,
    secure,
    requestId: received.requestId,
    clientAddress: received.forwarded.clientAddress,
    hsts: received.trail.hsts,
    pageVisit: answerForm(request) === 'page',
    isPublicUrl: host.name === options.parts.plane().publicHost,
  })
  request.url = path.encoded + path.query
}
