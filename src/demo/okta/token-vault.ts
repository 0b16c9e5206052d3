/**
 * The tokens that the Okta stand-in hands out in place of oidc-provider's: refresh tokens that rotate as Okta's do, with a
 * leeway and with detection of reuse, and access tokens that can be JWTs. Behind each stands one that oidc-provider knows.
 */

import { randomBytes } from 'node:crypto'

export interface RefreshRotation {
  readonly mode: 'ROTATE' | 'STATIC'
  /** For so long after its use a refresh token still works. Okta allows 0 to 60 and begins with 30. */
  readonly leewaySeconds: number
}

interface Refresh {
  /** oidc-provider's token, the same for the whole family. */
  readonly inner: string
  usedAt: number | undefined
  successor: string | undefined
}

/** By what a request and the code that it leads to are known to belong together. */
export interface RequestKey {
  readonly codeChallenge?: string | undefined
  readonly nonce?: string | undefined
}

export interface TokenVault {
  /** Whether a request asked for `offline_access`, which oidc-provider gives only after consent. */
  noteOffline(request: RequestKey, asked: boolean): void
  wantsOffline(code: RequestKey): boolean
  /** A new external token for an access token of oidc-provider's; `external` where it has a form of its own. */
  hideAccess(inner: string, external?: string): string
  access(external: string): string | undefined
  /** The refresh token to answer with: the first of a family, or the one that follows `presented`. */
  hideRefresh(inner: string, presented: string | undefined): string
  /** oidc-provider's token behind `external`; `reused` where it is spent and its leeway is over. */
  refresh(external: string): { readonly inner: string; readonly reused: boolean } | undefined
  /** Nothing of this family works any more. */
  forget(inner: string): void
  /** How often reuse was detected: Okta's event `app.oauth2.token.detect_reuse`. */
  reuses(): number
}

export function createTokenVault(rotation: RefreshRotation, now: () => number): TokenVault {
  const accessTokens = new Map<string, string>()
  const refreshTokens = new Map<string, Refresh>()
  const offline = new Set<string | undefined>()
  let reuses = 0

  const newRefresh = (inner: string): string => {
    const external = newToken()
    refreshTokens.set(external, { inner, usedAt: undefined, successor: undefined })
    return external
  }

  const keyOf = ({ codeChallenge, nonce }: RequestKey) => codeChallenge ?? nonce

  return {
    noteOffline: (request, asked) => {
      if (asked) offline.add(keyOf(request))
      else offline.delete(keyOf(request))
    },
    wantsOffline: (code) => offline.has(keyOf(code)),
    hideAccess: (inner, external = newToken()) => {
      accessTokens.set(external, inner)
      return external
    },
    access: (external) => accessTokens.get(external),
    hideRefresh: (inner, presented) => {
      const used = presented === undefined ? undefined : refreshTokens.get(presented)
      if (used === undefined || presented === undefined) return newRefresh(inner)
      if (rotation.mode === 'STATIC') return presented
      used.usedAt ??= now()
      // Within the leeway the same answer again: the first one may not have arrived.
      used.successor ??= newRefresh(used.inner)
      return used.successor
    },
    refresh: (external) => {
      const token = refreshTokens.get(external)
      if (token === undefined) return undefined
      const { inner, usedAt } = token
      const reused = usedAt !== undefined && now() > usedAt + rotation.leewaySeconds * 1_000
      if (reused) reuses++
      return { inner, reused }
    },
    forget: (inner) => {
      for (const [external, token] of refreshTokens) {
        if (token.inner === inner) refreshTokens.delete(external)
      }
    },
    reuses: () => reuses,
  }
}

/** About as long as Okta's. */
function newToken(): string {
  return randomBytes(32).toString('base64url')
}
