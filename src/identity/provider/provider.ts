/** One identity provider: the only user of openid-client. */

import { type ErrorCode, GatehouseError } from '../../errors.ts'
import type { EpochMs } from '../../support/time.ts'
import type { BearerSession } from '../bearer-session.ts'
import type { SessionGroups, SessionTokens } from '../session.ts'
import type { TokenVerifier } from './signed-token.ts'

/** What a finished sign-in says of somebody, checked. */
export interface SignedIn {
  readonly sub: string
  /** Verified, or admitted by the provider's opt-out; else undefined. */
  readonly email: string | undefined
  readonly name: string | undefined
  readonly claims: Readonly<Record<string, unknown>>
  readonly groups: SessionGroups
  readonly acr: string | undefined
  readonly amr: readonly string[]
  readonly authTime: EpochMs | undefined
  readonly sid: string | undefined
  readonly tokens: SessionTokens
}

/** What a refresh says of somebody anew. How they proved who they are is as old as the sign-in. */
export type RefreshedPerson = Pick<SignedIn, 'email' | 'name' | 'claims' | 'groups' | 'sid'>

export type Refreshed =
  | {
      readonly kind: 'refreshed'
      /** With the refresh token of before where the provider sends no other. */
      readonly tokens: SessionTokens
      /** `undefined` where the provider could not tell it all now. */
      readonly person: RefreshedPerson | undefined
    }
  /** The refresh token is no longer good, or leads to somebody else: the session is over. */
  | { readonly kind: 'ended'; readonly detail: string }

export interface AuthorizationRequest {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  readonly loginHint?: string | undefined
  readonly prompt?: 'login' | 'select_account' | undefined
  readonly acrValues?: readonly string[] | undefined
  readonly maxAgeSeconds?: number | undefined
}

export interface ExpectedAnswer {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  readonly maxAgeSeconds?: number | undefined
}

export interface Provider {
  readonly name: string
  readonly displayName: string
  /** Path on `public_url` that it sends people back to. */
  readonly redirectPath: string
  /** The configured issuer; known without asking the provider. */
  readonly issuer: string
  /** @throws ProviderFailure `unavailable`, `misconfigured` or `invalid-answer` */
  authorizationUrl(request: AuthorizationRequest): Promise<URL>
  /**
   * Redeems the answer in `query` (of the callback's URL, with its `?`).
   * @throws ProviderFailure
   */
  redeem(query: string, expected: ExpectedAnswer): Promise<SignedIn>
  /**
   * Asks for new tokens, and for all that they say.
   * @throws ProviderFailure where the provider did not say; nothing is known of the old tokens then
   */
  refresh(tokens: SessionTokens): Promise<Refreshed>
  /**
   * Tells the provider that nobody needs the refresh token any more (RFC 7009); does nothing where there is none, or the
   * provider takes no such word.
   * @throws ProviderFailure
   */
  revoke(tokens: Pick<SessionTokens, 'refreshToken'>): Promise<void>
  /** Where to send the browser to end the provider's own session; undefined where it offers none. */
  endSessionUrl(idToken: string | undefined, state: string | undefined): Promise<string | undefined>
  /** The gateway's own name at the provider. */
  readonly clientId: string
  /** The issuer of the organisation that the provider is a part of, where it is one of several. */
  readonly organisation: string | undefined
  /** For what the provider signs besides ID tokens. */
  readonly verifier: TokenVerifier
  /**
   * Whoever brings `token`, an access token for one of `audiences`.
   * @throws TokenRefused; ProviderFailure `unavailable` where the provider's keys cannot be had
   */
  admit(token: string, audiences: readonly string[]): Promise<BearerSession>
  /** For the log, doctor and readiness: what is known of it now. */
  status(): { readonly ready: boolean; readonly lastError: string | undefined }
  close(): void
}

export type Refresher = Pick<Provider, 'refresh'>

/** Whose fault a failed sign-in is, and so what to do about it. */
export type ProviderFailureKind =
  /** The provider refused the person: 403. */
  | 'denied'
  /** The provider cannot prove the person as strongly as was asked: 403. */
  | 'unmet'
  /** No connection, timeout, 429, 5xx, or the provider's own temporary errors: 503. */
  | 'unavailable'
  /** An answer that is no answer, or an ID token that does not hold: 502. */
  | 'invalid-answer'
  /** Our own credentials or settings refused: 500. */
  | 'misconfigured'
  /** `invalid_grant`, `login_required`: start a fresh sign-in. */
  | 'restart'
  /** The callback itself is malformed: 400. */
  | 'malformed'

const FAILURES: Record<ProviderFailureKind, { code: ErrorCode; status: number; text: string }> = {
  denied: { code: 'ACCESS_DENIED', status: 403, text: 'The sign-in service refused your sign-in.' },
  unmet: {
    code: 'ACCESS_DENIED',
    status: 403,
    text: 'The sign-in service could not confirm who you are in the way that this site asks for.',
  },
  unavailable: {
    code: 'UPSTREAM_FAILED',
    status: 503,
    text: 'The sign-in service cannot be reached right now. Try again in a moment.',
  },
  'invalid-answer': {
    code: 'UPSTREAM_FAILED',
    status: 502,
    text: 'The sign-in service gave an answer that cannot be trusted.',
  },
  misconfigured: {
    code: 'INTERNAL',
    status: 500,
    text: 'The sign-in service does not accept this gateway. Its operators must mend that.',
  },
  restart: {
    code: 'MALFORMED_REQUEST',
    status: 400,
    text: 'This sign-in is no longer valid. Start again.',
  },
  malformed: {
    code: 'MALFORMED_REQUEST',
    status: 400,
    text: 'The answer of the sign-in is malformed.',
  },
}

export class ProviderFailure extends GatehouseError {
  readonly kind: ProviderFailureKind

  constructor(
    kind: ProviderFailureKind,
    detail: string,
    options: { cause?: unknown; text?: string } = {},
  ) {
    const failure = FAILURES[kind]
    super(failure.code, detail, { status: failure.status, text: failure.text, ...options })
    this.kind = kind
  }
}
