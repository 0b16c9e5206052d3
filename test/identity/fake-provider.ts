/**
 * An OpenID Connect issuer that can be made to misbehave in ways that a real one cannot. Well-behaved by itself: it checks
 * the client, the redirect URI and PKCE, and signs with the keys that it publishes.
 */

import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'
import type { Test } from 'tap'

export type Json = Record<string, unknown>

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown
}

export interface SignedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly form: URLSearchParams
}

export interface FakeKey {
  readonly privateKey: KeyObject
  readonly jwk: JWK
}

/** What a test changes. `undefined`, and functions that return it, leave the good answer. */
export interface Faults {
  metadata?: (metadata: Json) => Json
  claims?: (claims: Json) => Json
  header?: Partial<JWTHeaderParameters>
  /** Signs the ID token instead of the provider. */
  sign?: (claims: Json) => string | Promise<string>
  userInfo?: Json
  /** Lifetime of access tokens; default an hour. */
  expiresIn?: number
  /** Gives refresh tokens, each of which works once. */
  refreshes?: boolean
  /** Added to what the token endpoint answers. */
  tokens?: (form: URLSearchParams) => Json
  answer?: (path: string) => Answer | undefined | Promise<Answer | undefined>
  /** Accepts the connection and never answers at this path. */
  silent?: string
}

export interface FakeProvider {
  readonly issuer: string
  readonly faults: Faults
  readonly keys: { signing: FakeKey; published: JWK[] }
  readonly requests: SignedRequest[]
  /** Every token that was given out. */
  readonly issued: string[]
  /** What the browser does at `authorizationUrl`: the query that it brings back. */
  approve(authorizationUrl: URL, changes?: Readonly<Record<string, string>>): string
  close(): void
}

export const CLIENT_ID = 'gatehouse'
export const CLIENT_SECRET = 'a secret: with / odd % characters'
export const DEFAULT_CLAIMS: Json = {
  sub: '00u1',
  name: 'Ana',
  email: 'ana@example.com',
  email_verified: true,
  groups: ['engineers'],
}

const PATHS = {
  token: '/token',
  keys: '/keys',
  userInfo: '/userinfo',
  pushed: '/par',
  revoke: '/revoke',
}

export function newKey(kid: string | undefined, type: 'rsa' | 'ec' = 'ec'): Promise<FakeKey> {
  const { privateKey, publicKey } =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const alg = type === 'rsa' ? 'RS256' : 'ES256'
  return exportJWK(publicKey).then((jwk) => ({
    privateKey,
    jwk: { ...jwk, ...(kid === undefined ? {} : { kid }), alg, use: 'sig' },
  }))
}

export async function startFakeProvider(t: Test, faults: Faults = {}): Promise<FakeProvider> {
  const signing = await newKey('key-1')
  const keys = { signing, published: [signing.jwk] }
  const requests: SignedRequest[] = []
  const issued: string[] = []
  const refreshTokens = new Set<string>()
  const pushed = new Map<string, URLSearchParams>()
  const codes = new Map<string, { redirectUri: string; challenge: string; nonce: string }>()
  let issuer = ''

  const metadata = (): Json => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: issuer + PATHS.token,
    jwks_uri: issuer + PATHS.keys,
    userinfo_endpoint: issuer + PATHS.userInfo,
    pushed_authorization_request_endpoint: issuer + PATHS.pushed,
    end_session_endpoint: `${issuer}/logout`,
    revocation_endpoint: issuer + PATHS.revoke,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256', 'RS256'],
    scopes_supported: ['openid', 'profile', 'email', 'groups'],
  })

  const idToken = async (nonce: string | undefined) => {
    const now = Math.floor(Date.now() / 1_000)
    const good = {
      iss: issuer,
      aud: CLIENT_ID,
      iat: now,
      exp: now + 300,
      ...DEFAULT_CLAIMS,
      ...(nonce === undefined ? {} : { nonce }),
    }
    const claims = faults.claims?.(good) ?? good
    if (faults.sign !== undefined) return faults.sign(claims)
    const { privateKey, jwk } = keys.signing
    const kid = jwk.kid === undefined ? {} : { kid: jwk.kid }
    return new SignJWT(claims)
      .setProtectedHeader({ alg: jwk.alg ?? 'ES256', ...kid, ...faults.header })
      .sign(privateKey)
  }

  const token = async ({ headers, form }: SignedRequest): Promise<Answer> => {
    const basic = `Basic ${Buffer.from(`${CLIENT_ID}:${formEncoded(CLIENT_SECRET)}`).toString('base64')}`
    const isPost =
      form.get('client_secret') === CLIENT_SECRET && form.get('client_id') === CLIENT_ID
    if (headers.authorization !== basic && !isPost && faults.answer === undefined) {
      const isPublic = headers.authorization === undefined && !form.has('client_secret')
      if (!isPublic) return { status: 401, body: { error: 'invalid_client' } }
    }
    if (form.get('grant_type') === 'refresh_token') return refreshed(form)
    const code = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    const challenge = sha256(form.get('code_verifier') ?? '')
    if (code?.redirectUri !== form.get('redirect_uri') || code?.challenge !== challenge) {
      return { status: 400, body: { error: 'invalid_grant', error_description: 'no such code' } }
    }
    return { body: await tokens(code.nonce, form) }
  }

  const refreshed = async (form: URLSearchParams): Promise<Answer> => {
    // A token that is not known, or was used before.
    const isGood =
      faults.tokens !== undefined || refreshTokens.delete(form.get('refresh_token') ?? '')
    if (!isGood) return { status: 400, body: { error: 'invalid_grant' } }
    return { body: await tokens(undefined, form) }
  }

  const tokens = async (nonce: string | undefined, form: URLSearchParams): Promise<Json> => {
    const given: Json = { access_token: 'an-access-token', id_token: await idToken(nonce) }
    if (faults.refreshes === true) {
      const refreshToken = `a-refresh-token-${randomUUID()}`
      refreshTokens.add(refreshToken)
      given['refresh_token'] = refreshToken
    }
    issued.push(...Object.values(given).map(String))
    const common = { token_type: 'Bearer', expires_in: faults.expiresIn ?? 3_600 }
    return { ...given, ...common, ...faults.tokens?.(form) }
  }

  const good = (request: SignedRequest): Answer | Promise<Answer> => {
    switch (request.path) {
      case '/.well-known/openid-configuration':
        return { body: faults.metadata?.(metadata()) ?? metadata() }
      case PATHS.keys:
        return { body: { keys: keys.published } }
      case PATHS.token:
        return token(request)
      case PATHS.pushed: {
        const uri = `urn:example:${pushed.size}`
        pushed.set(uri, request.form)
        return { status: 201, body: { request_uri: uri, expires_in: 60 } }
      }
      case PATHS.revoke:
        refreshTokens.delete(request.form.get('token') ?? '')
        return { body: '' }
      case PATHS.userInfo:
        return { body: faults.userInfo ?? DEFAULT_CLAIMS }
      default:
        return { status: 404 }
    }
  }

  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://fake').pathname
    text(request).then(
      async (body) => {
        const seen = {
          method: request.method ?? '',
          path,
          headers: request.headers,
          form: new URLSearchParams(body),
        }
        requests.push(seen)
        if (faults.silent === path) return
        send(response, (await faults.answer?.(path)) ?? (await good(seen)))
      },
      () => undefined,
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  t.teardown(close)

  return {
    issuer,
    faults,
    keys,
    requests,
    issued,
    close,
    approve: ({ searchParams: given }, changes = {}) => {
      const searchParams = pushed.get(given.get('request_uri') ?? '') ?? given
      const code = `code-${randomUUID()}`
      codes.set(code, {
        redirectUri: searchParams.get('redirect_uri') ?? '',
        challenge: searchParams.get('code_challenge') ?? '',
        nonce: searchParams.get('nonce') ?? '',
      })
      const state = searchParams.get('state') ?? ''
      return `?${new URLSearchParams({ code, state, ...changes })}`
    },
  }
}

function send(response: ServerResponse, { status = 200, headers = {}, body }: Answer): void {
  const isText = typeof body === 'string' || Buffer.isBuffer(body)
  response.writeHead(status, {
    'content-type': isText ? 'text/html' : 'application/json',
    ...headers,
  })
  response.end(isText ? body : JSON.stringify(body ?? {}))
}

function sha256(value: string): string {
  return createHash('sha256').update(value).digest('base64url')
}

/** As RFC 6749 §2.3.1 wants client id and secret in the Authorization header. */
function formEncoded(value: string): string {
  return new URLSearchParams({ v: value }).toString().slice(2)
}
