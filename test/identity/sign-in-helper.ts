/** A provider under test against a fake issuer, and one whole sign-in with it. */

import type { Test } from 'tap'
import type { ProviderConfig } from '../../src/config/schema-provider.ts'
import { createOpenIdProvider } from '../../src/identity/provider/openid-provider.ts'
import type { ProxySettings } from '../../src/identity/provider/outgoing-fetch.ts'
import type {
  ExpectedAnswer,
  Provider,
  ProviderFailure,
  SignedIn,
} from '../../src/identity/provider/provider.ts'
import type { Fetch } from '../../src/identity/provider/provider-fetch.ts'
import { Secret } from '../../src/support/secret.ts'
import { CLIENT_ID, CLIENT_SECRET, type FakeProvider } from './fake-provider.ts'
import { manualTimer } from './manual-timer.ts'
import { type Logged, recorder } from './session-fixture.ts'

export const PUBLIC_URL = 'https://auth.example.com'
export const EXPECTED: ExpectedAnswer = {
  state: 'the-state',
  nonce: 'the-nonce',
  codeVerifier: 'a-code-verifier-of-at-least-forty-three-characters',
}

export function providerConfig(
  issuer: string,
  changes: Partial<ProviderConfig> = {},
): ProviderConfig {
  return {
    issuer,
    client_id: CLIENT_ID,
    client_secret: new Secret(CLIENT_SECRET),
    redirect_path: '/oauth2/callback',
    groups_claim: 'groups',
    groups_claim_kind: 'names',
    allow_unverified_email: false,
    allow_http: false,
    pushed_authorization_requests: 'auto',
    dpop: false,
    ...changes,
  }
}

export interface StartOptions {
  readonly config?: Partial<ProviderConfig>
  readonly publicUrl?: string
  readonly fetch?: Fetch
  readonly timeoutMs?: number
  readonly ca?: string
  readonly proxies?: ProxySettings
}

export interface Started {
  readonly provider: Provider
  readonly logged: Logged[]
  readonly clock: { time: number }
  readonly timer: ReturnType<typeof manualTimer>
}

export function startProvider(t: Test, issuer: string, options: StartOptions = {}): Started {
  const logged: Logged[] = []
  const clock = { time: Date.now() }
  const timer = manualTimer()
  const provider = createOpenIdProvider('okta', providerConfig(issuer, options.config), {
    publicUrl: options.publicUrl ?? PUBLIC_URL,
    log: recorder(logged),
    now: () => clock.time,
    every: timer.every,
    ca: options.ca,
    ...(options.proxies === undefined ? {} : { proxies: options.proxies }),
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  })
  t.teardown(() => provider.close())
  return { provider, logged, clock, timer }
}

/** From the start of a sign-in to its end. */
export async function signIn(
  provider: Provider,
  fake: FakeProvider,
  changes: Readonly<Record<string, string>> = {},
): Promise<SignedIn> {
  const url = await provider.authorizationUrl(EXPECTED)
  return provider.redeem(fake.approve(url, changes), EXPECTED)
}

/** The failure that a sign-in ends with; throws where it does not fail. */
export async function failureOf(signIn: Promise<unknown>): Promise<ProviderFailure> {
  try {
    await signIn
  } catch (error) {
    return error as ProviderFailure
  }
  throw new Error('somebody was signed in')
}
