/** A provider that says what the test tells it to, over real HTTP for the browser's part. It checks what it is given. */

import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import {
  type AuthorizationRequest,
  type Provider,
  ProviderFailure,
  type ProviderFailureKind,
  type SignedIn,
} from '../../src/identity/provider/provider.ts'
import { TokenRefused } from '../../src/identity/provider/signed-token.ts'

export interface ScriptedProvider {
  readonly provider: Provider
  /** Whoever signs in next. */
  person: SignedIn
  /** How the next redemption fails, and those after it. */
  failure: ProviderFailureKind | undefined
  /** How the next authorization request fails. */
  startFailure: ProviderFailureKind | undefined
  /** Offers a sign-out of its own. */
  endSession: boolean
  readonly asked: AuthorizationRequest[]
  /** Codes that were redeemed. */
  readonly redeemed: string[]
  /** Refresh tokens of which the provider was told that nobody needs them. */
  readonly revoked: (string | undefined)[]
  readonly signOuts: { idToken: string | undefined; state: string | undefined }[]
  readonly origin: string
}

export interface ScriptedProviderOptions {
  readonly name: string
  readonly publicUrl: string
  readonly redirectPath: string
}

interface Issued {
  readonly request: AuthorizationRequest
  readonly person: SignedIn
}

export async function startScriptedProvider(
  t: Test,
  { name, publicUrl, redirectPath }: ScriptedProviderOptions,
): Promise<ScriptedProvider> {
  const requests = new Map<string, AuthorizationRequest>()
  const codes = new Map<string, Issued>()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    const asked = requests.get(url.searchParams.get('request') ?? '')
    if (asked === undefined) return response.writeHead(404).end()
    const code = randomBytes(12).toString('base64url')
    codes.set(code, { request: asked, person: scripted.person })
    const answer = new URLSearchParams({ code, state: asked.state })
    return response.writeHead(302, { location: `${publicUrl}${redirectPath}?${answer}` }).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const provider: Provider = {
    name,
    displayName: `The ${name}`,
    redirectPath,
    issuer: origin,
    clientId: 'gatehouse',
    organisation: undefined,
    verifier: { verify: () => Promise.reject(new TokenRefused('nothing is signed here')) },
    admit: () => Promise.reject(new TokenRefused('nothing is signed here')),
    async authorizationUrl(request) {
      if (scripted.startFailure !== undefined) throw new ProviderFailure(scripted.startFailure, 'x')
      scripted.asked.push(request)
      const id = randomBytes(8).toString('hex')
      requests.set(id, request)
      return new URL(`${origin}/authorize?request=${id}`)
    },
    async redeem(query, expected) {
      const parameters = new URLSearchParams(query)
      const error = parameters.get('error')
      if (error !== null) {
        throw new ProviderFailure(error === 'access_denied' ? 'denied' : 'unavailable', error)
      }
      const code = parameters.get('code') ?? ''
      if (scripted.failure !== undefined) throw new ProviderFailure(scripted.failure, 'scripted')
      const issued = codes.get(code)
      codes.delete(code)
      if (issued === undefined) throw new ProviderFailure('restart', 'invalid_grant')
      const { state, nonce, codeVerifier } = issued.request
      const holds =
        state === expected.state &&
        nonce === expected.nonce &&
        challenge(codeVerifier) === challenge(expected.codeVerifier)
      if (!holds) throw new ProviderFailure('invalid-answer', 'state, nonce or verifier differ')
      scripted.redeemed.push(code)
      return issued.person
    },
    async refresh(tokens) {
      return { kind: 'refreshed', tokens, person: undefined }
    },
    async revoke({ refreshToken }) {
      scripted.revoked.push(refreshToken)
    },
    async endSessionUrl(idToken, state) {
      if (!scripted.endSession) return undefined
      scripted.signOuts.push({ idToken, state })
      return `${origin}/end?${new URLSearchParams({ state: state ?? '' })}`
    },
    status: () => ({ ready: true, lastError: undefined }),
    close: () => undefined,
  }
  const scripted: ScriptedProvider = {
    provider,
    person: person('ana'),
    failure: undefined,
    startFailure: undefined,
    endSession: false,
    asked: [],
    redeemed: [],
    revoked: [],
    signOuts: [],
    origin,
  }
  return scripted
}

/** Somebody of that name, in the groups given. */
export function person(name: string, groups: readonly string[] = []): SignedIn {
  return {
    sub: `sub-${name}`,
    email: `${name}@example.com`,
    name: `${name} Example`,
    claims: { sub: `sub-${name}`, name: `${name} Example`, department: 'Docks' },
    groups: { list: groups.map((group) => ({ name: group })), complete: true },
    acr: undefined,
    amr: [],
    authTime: undefined,
    sid: undefined,
    tokens: {
      idToken: `id-token-of-${name}`,
      accessToken: `access-token-of-${name}`,
      refreshToken: `refresh-token-of-${name}`,
      accessTokenExpiresAt: undefined,
    },
  }
}

function challenge(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}
