/** Everything that Gatehouse answers itself: which endpoint a request means, and how what that says is written. */

import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ERRORS, GatehouseError } from '../errors.ts'
import type { Provider } from '../identity/provider/provider.ts'
import { LOGO_PATH } from '../pages/brand.ts'
import { PORTAL_SCRIPT, PORTAL_SCRIPT_PATH } from '../pages/portal-script.ts'
import { renderJson, renderLogo, renderScript } from '../pages/render.ts'
import { TEXTS } from '../pages/texts.ts'
import { providerCallback } from './callback.ts'
import { hasExchange } from './exchange.ts'
import { appCallback } from './hand-over.ts'
import { landing, signedOut } from './landing.ts'
import { askPassword, LOCAL_PATH, signInLocally } from './local.ts'
import { portal } from './portal.ts'
import { failure, type Reaction, redirect } from './reaction.ts'
import { signIn } from './sign-in.ts'
import { signInLimited } from './sign-in-limit.ts'
import { SIGN_IN_PATH } from './sign-in-url.ts'
import { askSignOut, SIGN_OUT_PATH, SIGNED_OUT_PATH, signOut } from './sign-out.ts'
import { isSignal, signalsAt, unreadSignal } from './signals.ts'
import { beginsLogin, namedProvider, postedLogin, thirdPartyLogin } from './third-party-login.ts'
import { USER_PATH, user } from './user.ts'
import { type EndpointOptions, type Visit, visitOf } from './visit.ts'

type Endpoint = (visit: Visit) => Reaction | Promise<Reaction>
/** By method; without an entry of its own, HEAD is answered as GET where that changes nothing. */
type Endpoints = Readonly<Record<string, Endpoint>>

/** Forms of ours are small; the largest thing that is posted is a token. */
const MAX_FORM_BYTES = 17 * 1024
/** Event hooks bring several events at once, each with much besides. */
const MAX_EVENTS_BYTES = 64 * 1024
/** Read as they are: whoever takes them knows what should be in them. */
const TEXT_TYPES = ['application/json', 'application/secevent+jwt']

const readable = (endpoint: Endpoint): Endpoints => ({ GET: endpoint, HEAD: endpoint })
const jwks = readable(answerJwks)
const local: Endpoints = { ...readable(askPassword), POST: signInLocally }
const logo = readable(answerLogo)
const limitedCallback = signInLimited(providerCallback)

const ON_EVERY_HOST: ReadonlyMap<string, Endpoints> = new Map([
  ['/.gatehouse', readable(() => redirect('/.gatehouse/'))],
  ['/.gatehouse/', readable(portal)],
  [PORTAL_SCRIPT_PATH, readable((visit) => renderScript(PORTAL_SCRIPT, visit.head))],
  [USER_PATH, readable(user)],
  [SIGN_IN_PATH, readable(signInLimited(signIn))],
  // A HEAD would spend the code without anybody getting the session.
  ['/.gatehouse/callback', { GET: signInLimited(appCallback) }],
  [SIGN_OUT_PATH, { ...readable(askSignOut), POST: signOut }],
  [SIGNED_OUT_PATH, readable(signedOut)],
  ['/.gatehouse/jwks.json', jwks],
  ['/.well-known/gatehouse/jwks.json', jwks],
])
const POMERIUM_JWKS = '/.well-known/pomerium/jwks.json'

/** Makes `fastify`, a scope of its own, answer whatever comes to it. Requests must carry their exchange (exchange.ts). */
export async function endpoints(fastify: FastifyInstance, options: EndpointOptions): Promise<void> {
  fastify.removeAllContentTypeParsers()
  // Values are base64url: nothing in them is percent-encoded, and nothing is to be read in two spellings.
  const parseOptions: object = { decode: (value: string) => value }
  await fastify.register(cookie, { parseOptions })
  await fastify.register(formbody, { bodyLimit: MAX_FORM_BYTES })
  const asText = { parseAs: 'string', bodyLimit: MAX_EVENTS_BYTES } as const
  fastify.addContentTypeParser(TEXT_TYPES, asText, (_request, body, done) => done(null, body))
  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    const visit = visitOf(request, options)
    return send(reply, visit, await react(visit))
  }
  // Which endpoint is meant is decided by the canonical path, which Fastify's own routes do not see.
  fastify.all('*', answer)
  fastify.setNotFoundHandler(answer)
  fastify.setErrorHandler((error, request, reply) => {
    if (!hasExchange(request)) return send(reply, undefined, unread(error, request, options))
    const visit = visitOf(request, options)
    return send(reply, visit, errorReaction(error, visit))
  })
}

function react(visit: Visit): Reaction | Promise<Reaction> {
  const found = endpointsAt(visit)
  if (found === undefined) return failure(visit, 'NO_ROUTE')
  const endpoint = Object.hasOwn(found, visit.method) ? found[visit.method] : undefined
  if (endpoint !== undefined) {
    // Only signals come as anything else than a form.
    const isTaken = visit.body === undefined || isSignal(visit)
    return isTaken ? endpoint(visit) : failure(visit, 'MALFORMED_REQUEST', { status: 415 })
  }
  return failure(visit, 'MALFORMED_REQUEST', {
    status: 405,
    text: TEXTS.wrongMethod,
    headers: { allow: Object.keys(found).join(', ') },
  })
}

function endpointsAt(visit: Visit): Endpoints | undefined {
  const { path, isPublicUrl, providers, snapshot } = visit
  const { identity_headers: identityHeaders, providers: configured } = snapshot.config
  const everywhere = ON_EVERY_HOST.get(path.decoded)
  if (everywhere !== undefined) return everywhere
  if (path.decoded === POMERIUM_JWKS && identityHeaders.preset === 'pomerium') return jwks
  if (!isPublicUrl) return undefined
  if (path.decoded === LOGO_PATH && snapshot.logo !== undefined) return logo
  if (path.decoded === LOCAL_PATH && snapshot.localAdmins.length > 0) return local
  const signals = signalsAt(visit)
  if (signals !== undefined) return signals
  const named = namedProvider(visit)
  if (named !== undefined) return loginOf(named)
  for (const provider of providers.values()) {
    if (provider.redirectPath !== path.decoded) continue
    // Answers come by GET; of forms only one that begins a login is taken.
    const POST: Endpoint = (posted) => postedLogin(posted, provider)
    return beginsLogin(visit) ? { GET: limitedCallback, POST } : { GET: limitedCallback }
  }
  const isLanding =
    path.decoded === '/' ||
    Object.values(configured).some(
      ({ post_logout_redirect_uri: uri }) => uri !== undefined && isAt(uri, path.decoded),
    )
  return isLanding ? readable(landing) : undefined
}

function loginOf(provider: Provider): Endpoints {
  return {
    ...readable(signInLimited((visit) => thirdPartyLogin(visit, provider))),
    POST: (visit) => postedLogin(visit, provider),
  }
}

function isAt(uri: string, path: string): boolean {
  return URL.canParse(uri) && new URL(uri).pathname === path
}

function answerJwks(visit: Visit): Reaction {
  return renderJson(200, visit.jwks(), visit.head)
}

function answerLogo(visit: Visit): Reaction {
  const { snapshot, head } = visit
  return snapshot.logo === undefined ? failure(visit, 'NO_ROUTE') : renderLogo(snapshot.logo, head)
}

/** A request that came past the listener, by a mistake of ours: nothing of it is used. */
function unread(err: unknown, request: FastifyRequest, { log }: EndpointOptions): Reaction {
  log.error({ request_id: request.id, err }, 'an endpoint failed')
  const { status, text } = ERRORS.INTERNAL
  return renderJson(status, { error: 'INTERNAL', message: text, request_id: request.id }, false)
}

function errorReaction(error: unknown, visit: Visit): Reaction {
  if (error instanceof GatehouseError) {
    visit.log.warn({ request_id: visit.requestId, code: error.code, err: error }, 'not answered')
    const { status, text } = error
    return failure(visit, error.code, { status, text })
  }
  const status = clientErrorStatus(error)
  if (status !== undefined) {
    return unreadSignal(visit) ?? failure(visit, 'MALFORMED_REQUEST', { status })
  }
  visit.log.error({ request_id: visit.requestId, err: error }, 'an endpoint failed')
  return failure(visit, 'INTERNAL')
}

/** Of a body that Fastify would not read: too large, or of a type that no endpoint takes. */
function clientErrorStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  const { statusCode } = error
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
    ? statusCode
    : undefined
}

function send(reply: FastifyReply, visit: Visit | undefined, reaction: Reaction): FastifyReply {
  const { secure = false, hsts } = visit ?? {}
  for (const { name, value, maxAgeSeconds } of reaction.cookies ?? []) {
    // Browsers let go of a cookie only for the attributes that it was set with.
    const attributes = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const
    if (value === undefined) reply.clearCookie(name, attributes)
    else reply.setCookie(name, value, { ...attributes, maxAge: maxAgeSeconds })
  }
  if (hsts !== undefined) reply.header('strict-transport-security', hsts)
  return reply.code(reaction.status).headers(reaction.headers).send(reaction.body)
}

export type { EndpointOptions }
