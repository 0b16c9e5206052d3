/** Middleware that makes the answers of the token endpoint Okta's: its ID tokens, access tokens and refresh tokens. */

import { createHash, createHmac } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { ServerOptions } from './authorization-server.ts'
import type { IdTokenFault } from './faults.ts'
import { type KeyRing, signWith } from './key-ring.ts'
import { claimsOf, groupsInClaim, idTokenClaims } from './person-claims.ts'

type TokenAnswer = Record<string, unknown> & {
  access_token: string
  id_token?: string
  refresh_token?: string
  scope?: string
}

/** For `provider.use`. */
export function oktaTokens(options: ServerOptions, keys: KeyRing) {
  return async (context: KoaContextWithOIDC, next: () => Promise<unknown>): Promise<void> => {
    await next()
    if (context.oidc?.route === 'jwks') context.body = await keys.jwks()
    if (context.oidc?.route !== 'token' || context.status !== 200) return
    const answer = context.body as TokenAnswer
    const sub = context.oidc.entities.Account?.accountId
    // A service app's token belongs to nobody, and stays as it is.
    if (sub !== undefined) await shapeAnswer(answer, sub, { context, options, keys })
  }
}

interface Shaping {
  readonly context: KoaContextWithOIDC
  readonly options: ServerOptions
  readonly keys: KeyRing
}

async function shapeAnswer(answer: TokenAnswer, sub: string, shaping: Shaping): Promise<void> {
  const { context, options, keys } = shaping
  const { vault, faults } = options
  const presented = context.oidc.body?.['refresh_token']
  const scopes = new Set(answer.scope?.split(' '))
  if (answer.refresh_token !== undefined) {
    const known = typeof presented === 'string' ? presented : undefined
    answer.refresh_token = vault.hideRefresh(answer.refresh_token, known)
    answer.scope = [...scopes.add('offline_access')].join(' ')
  }
  const inner = answer.access_token
  const jwt = options.isOrg ? undefined : await accessToken(inner, sub, scopes, shaping)
  answer.access_token = vault.hideAccess(inner, jwt)
  if (answer.id_token === undefined) return
  const fault = faults.idToken
  if (fault?.kind === 'missing') {
    delete answer.id_token
    return
  }
  const made = payloadOf(answer.id_token)
  const payload = {
    ...made,
    ...idTokenClaims(claimsOf(options.world, sub, options), scopes, options),
    ver: 1,
    jti: `ID.${digest(answer.id_token)}`,
    amr: ['pwd'],
    idp: '00o1standin',
    auth_time: authTimeOf(context),
    at_hash: digest(answer.access_token, 16),
    ...acrOf(context),
    ...sidOf(context, sub, options),
    ...skewed(made, faults.clockSkewSeconds),
  }
  answer.id_token = await signFaulty(payload, fault, keys)
}

/** The access token of a custom server, which apps may read: `sub` is the login there, and `uid` the user. */
function accessToken(inner: string, sub: string, scopes: Set<string>, shaping: Shaping) {
  const { context, options, keys } = shaping
  const user = options.world.users.get(sub)
  const iat = Math.floor(Date.now() / 1_000) + options.faults.clockSkewSeconds
  const claim = options.app.customGroupsClaim
  const groups = user === undefined ? [] : groupsInClaim(options.world, user)
  return keys.sign({
    ver: 1,
    jti: `AT.${digest(inner)}`,
    iss: options.issuer,
    aud: 'api://default',
    iat,
    exp: iat + 3_600,
    cid: context.oidc.client?.clientId,
    uid: sub,
    scp: [...scopes],
    auth_time: authTimeOf(context),
    sub: user?.person.email ?? sub,
    ...(claim === undefined
      ? {}
      : { [claim.name]: groups.map(({ id, name }) => (claim.holds === 'ids' ? id : name)) }),
  })
}

function authTimeOf({ oidc }: KoaContextWithOIDC): number {
  const { AuthorizationCode: code, RefreshToken: refresh } = oidc.entities
  return code?.authTime ?? refresh?.authTime ?? Math.floor(Date.now() / 1_000)
}

function acrOf({ oidc }: KoaContextWithOIDC): { acr?: string } {
  const { AuthorizationCode: code, RefreshToken: refresh } = oidc.entities
  const acr = code?.acr ?? refresh?.acr
  return acr === undefined ? {} : { acr }
}

/** Named to apps that take part in single logout. */
function sidOf({ oidc }: KoaContextWithOIDC, sub: string, { app, world }: ServerOptions) {
  const { AuthorizationCode: code, RefreshToken: refresh } = oidc.entities
  const sid = code?.sessionUid ?? refresh?.sessionUid
  if (sid === undefined || app.frontchannelLogoutUri === undefined) return {}
  world.noteSession(sub, sid)
  return { sid }
}

function skewed({ iat = 0, exp = 0 }: JWTPayload, seconds: number): JWTPayload {
  return seconds === 0 ? {} : { iat: iat + seconds, exp: exp + seconds }
}

async function signFaulty(
  payload: JWTPayload,
  fault: IdTokenFault | undefined,
  keys: KeyRing,
): Promise<string> {
  switch (fault?.kind) {
    case 'claims': {
      const claims: JWTPayload = { ...payload, ...fault.claims }
      // JSON leaves out what is undefined: a claim can be removed so.
      return keys.sign(JSON.parse(JSON.stringify(claims)) as JWTPayload)
    }
    case 'signature': {
      const stranger = await keys.stranger()
      return signWith({ ...stranger, kid: keys.current().kid }, payload)
    }
    case 'unknown-kid':
      return signWith(await keys.stranger(), payload)
    case 'no-kid':
      return signWith(keys.current(), payload, { named: false })
    case 'alg-none':
      return `${encode({ alg: 'none' })}.${encode(payload)}.`
    case 'hs256': {
      const { kid, publicKey } = keys.current()
      const text = `${encode({ alg: 'HS256', kid })}.${encode(payload)}`
      const secret = publicKey.export({ type: 'spki', format: 'pem' })
      return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
    }
    default:
      return keys.sign(payload)
  }
}

function payloadOf(jwt: string): JWTPayload {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as JWTPayload
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** base64url of the first `bytes` bytes of the SHA-256 of `text`: for `at_hash` and for ids. */
function digest(text: string, bytes = 24): string {
  return createHash('sha256').update(text).digest().subarray(0, bytes).toString('base64url')
}
