/** One authorization server of the Okta stand-in: oidc-provider, set up as far as its options reach to behave as Okta's. */

import { randomBytes } from 'node:crypto'
import type {
  Adapter,
  AdapterFactory,
  ClientMetadata,
  Configuration,
  JWK,
  KoaContextWithOIDC,
} from 'oidc-provider'
import { AccessDenied, InvalidRequest } from 'oidc-provider/lib/helpers/errors.js'
import { Provider } from 'oidc-provider/lib/provider.js'
import { pageHeaders, renderPage } from '../html.ts'
import { providerErrorPage } from '../provider-pages.ts'
import type { OktaApp, OktaServiceApp } from './app-settings.ts'
import type { Faults } from './faults.ts'
import { acrPolicy } from './interaction-policy.ts'
import { API_SCOPES, type ServerPlace } from './metadata.ts'
import { claimsOf, groupsInClaim } from './person-claims.ts'
import type { RequestKey, TokenVault } from './token-vault.ts'
import type { World } from './world.ts'

export interface ServerOptions extends ServerPlace {
  readonly app: OktaApp
  readonly serviceApp: OktaServiceApp | undefined
  readonly world: World
  readonly faults: Faults
  readonly vault: TokenVault
  /** Shared by both servers, as the session in the browser is. */
  readonly adapter: AdapterFactory
  readonly cookieKey: string
  /** Changes when Okta's DPoP nonce does. */
  readonly dpopNonceSecret: Buffer
  readonly signingKey: JWK
}

const DAY_SECONDS = 86_400
const CODE_SECONDS = 300
const HUNDRED_GROUPS = 100

/** Where its pages for signing in are, on the organisation's origin. */
export const signInPath = (isOrg: boolean) => (isOrg ? '/signin/org' : '/signin/default')

export function createServer(options: ServerOptions): Provider {
  return new Provider(options.issuer, configuration(options))
}

function configuration(options: ServerOptions): Configuration {
  const { app, isOrg, world, vault } = options
  const prefix = isOrg ? '/oauth2/v1' : '/v1'
  return {
    adapter: createVaultAdapter(options),
    jwks: { keys: [options.signingKey] },
    clients: clientsOf(options),
    scopes: ['openid', 'offline_access', ...(isOrg ? API_SCOPES : [])],
    claims: claimsByScope(options),
    // What stands in an ID token is added when it is signed; this leaves the rest to UserInfo.
    conformIdTokenClaims: true,
    findAccount: (_context, sub) =>
      world.maySignIn(sub)
        ? { accountId: sub, claims: () => ({ ...claimsOf(world, sub, options), sub }) }
        : undefined,
    loadExistingGrant: (context) => grantOrRefuse(context, options),
    issueRefreshToken: (_context, _client, code) => {
      const isIssued = app.refreshGrant && vault.wantsOffline(code as RequestKey)
      // oidc-provider has dropped the scope for want of consent; with it a refresh may ask for it again, as at Okta.
      if (isIssued) code.scope = `${code.scope} offline_access`
      return Promise.resolve(isIssued)
    },
    expiresWithSession: () => false,
    rotateRefreshToken: false,
    pkce: { required: () => app.pkceRequired || app.clientAuth === 'none' },
    clientBasedCORS: () => false,
    acrValues: KNOWN_ACR,
    routes: {
      authorization: `${prefix}/authorize`,
      token: `${prefix}/token`,
      userinfo: `${prefix}/userinfo`,
      jwks: `${prefix}/keys`,
      end_session: `${prefix}/logout`,
      introspection: `${prefix}/introspect`,
      revocation: `${prefix}/revoke`,
      pushed_authorization_request: `${prefix}/par`,
    },
    interactions: {
      policy: acrPolicy(),
      url: (_context, interaction) => `${signInPath(isOrg)}/${interaction.uid}`,
    },
    cookies: {
      keys: [options.cookieKey],
      names: { session: 'okta-sid', interaction: 'okta-pick', resume: 'okta-resume' },
    },
    enabledJWA: { dPoPSigningAlgValues: ['RS256', 'ES256', 'PS256'] },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: false },
      clientCredentials: { enabled: isOrg },
      introspection: { enabled: true },
      // Of another client's tokens it says neither that they are there nor that they are not.
      revocation: {
        enabled: true,
        allowedPolicy: (_context, client, token) => token.clientId === client.clientId,
      },
      rpInitiatedLogout: { enabled: false },
      dPoP: {
        enabled: true,
        nonceSecret: options.dpopNonceSecret,
        requireNonce: () => true,
      },
    },
    renderError: (context, { error, error_description }) => {
      context.set(pageHeaders())
      context.body = renderPage(providerErrorPage(String(error), error_description))
    },
    ttl: {
      AccessToken: app.tokenSeconds,
      AuthorizationCode: CODE_SECONDS,
      ClientCredentials: 3_600,
      Grant: DAY_SECONDS,
      IdToken: app.tokenSeconds,
      Interaction: 3_600,
      RefreshToken: 7 * DAY_SECONDS,
      Session: DAY_SECONDS,
    },
  }
}

/** @see Okta, "Sign-on policies", predefined values of `acr_values` */
export const KNOWN_ACR = [
  'urn:okta:loa:1fa:any',
  'urn:okta:loa:1fa:pwd',
  'urn:okta:loa:2fa:any',
  'urn:okta:loa:2fa:any:ifpossible',
  'phr',
  'phrh',
]

function claimsByScope({ isOrg, app }: ServerOptions): Record<string, string[]> {
  const { customGroupsClaim } = app
  return {
    openid: ['sub', ...(isOrg || customGroupsClaim === undefined ? [] : [customGroupsClaim.name])],
    profile: ['name', 'preferred_username', 'department', 'locale', 'zoneinfo', 'updated_at'],
    email: ['email', 'email_verified'],
    ...(isOrg ? { groups: ['groups'] } : {}),
  }
}

function clientsOf({ app, serviceApp, isOrg }: ServerOptions): ClientMetadata[] {
  const grants = ['authorization_code', ...(app.refreshGrant ? ['refresh_token'] : [])]
  const clients: ClientMetadata[] = [
    {
      client_id: app.clientId,
      ...(usesSecret(app) ? { client_secret: app.clientSecret } : {}),
      ...(app.clientAuth === 'private_key_jwt' ? { jwks: { keys: [...app.keys] } } : {}),
      token_endpoint_auth_method: app.clientAuth,
      redirect_uris: [...app.redirectUris],
      post_logout_redirect_uris: [...app.postLogoutRedirectUris],
      grant_types: grants,
      response_types: ['code'],
    },
  ]
  if (serviceApp !== undefined && isOrg) {
    clients.push({
      client_id: serviceApp.clientId,
      jwks: { keys: [...serviceApp.keys] },
      token_endpoint_auth_method: 'private_key_jwt',
      redirect_uris: [],
      grant_types: ['client_credentials'],
      response_types: [],
      scope: serviceApp.scopes.join(' '),
      dpop_bound_access_tokens: serviceApp.dpop,
    })
  }
  return clients
}

const usesSecret = ({ clientAuth }: OktaApp) => clientAuth.startsWith('client_secret')

/** Nobody is asked for consent; who may not use the app, or has too many groups, is refused here (Okta has no page for it). */
async function grantOrRefuse(context: KoaContextWithOIDC, options: ServerOptions) {
  const { client, session, provider, requestParamOIDCScopes } = context.oidc
  if (client === undefined || session?.accountId === undefined) return undefined
  const user = options.world.users.get(session.accountId)
  if (user?.assigned !== true) {
    const reason = 'User is not assigned to the client application.'
    throw new AccessDenied(reason)
  }
  const wantsGroups = String(context.oidc.params?.['scope']).split(' ').includes('groups')
  const count = groupsInClaim(options.world, user).length
  if (wantsGroups && count > HUNDRED_GROUPS && options.app.overHundredGroups === 'fail') {
    throw new InvalidRequest(
      `The 'groups' claim matched too many groups (${count}). The limit is ${HUNDRED_GROUPS}.`,
    )
  }
  const known = session.grantIdFor(client.clientId)
  const grant =
    (known === undefined ? undefined : await provider.Grant.find(known)) ??
    new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope([...requestParamOIDCScopes].join(' '))
  await grant.save()
  return grant
}

/** Keeps what oidc-provider keeps, and finds it by the tokens that were handed out in place of oidc-provider's own. */
function createVaultAdapter({ adapter, vault, faults, world }: ServerOptions): AdapterFactory {
  const resolve: Readonly<Record<string, (id: string) => Promise<string | undefined>>> = {
    AccessToken: async (id) => vault.access(id),
    RefreshToken: async (id) => {
      if (faults.refreshRevoked) return undefined
      const token = vault.refresh(id)
      if (token?.reused !== true) return token?.inner
      await revokeFamily(adapter, vault, token.inner)
      return undefined
    },
    AuthorizationCode: async (id) => (faults.codesExpired ? undefined : id),
    Session: async (id) => id,
  }
  return (name) => {
    const inner = adapter(name)
    const translate = resolve[name]
    if (translate === undefined) return inner
    return {
      upsert: (...args) => inner.upsert(...args),
      find: async (id) => {
        const known = await translate(id)
        const stored = known === undefined ? undefined : await inner.find(known)
        // A suspension ends the sessions at Okta too.
        const owner = name === 'Session' ? stored?.accountId : undefined
        if (owner !== undefined && !world.maySignIn(owner)) return undefined
        // oidc-provider dropped `offline_access` for want of a consent; Okta takes it in a refresh.
        if (name !== 'RefreshToken' || stored === undefined) return stored
        return { ...stored, scope: `${stored.scope} offline_access` }
      },
      findByUserCode: (code) => inner.findByUserCode(code),
      findByUid: (uid) => inner.findByUid(uid),
      consume: (id) => inner.consume(id),
      destroy: (id) => inner.destroy(id),
      revokeByGrantId: (id) => inner.revokeByGrantId(id),
    } satisfies Adapter
  }
}

/** A spent refresh token was used once more: somebody has stolen one, and everything of that sign-in ends. */
async function revokeFamily(
  adapter: AdapterFactory,
  vault: TokenVault,
  inner: string,
): Promise<void> {
  vault.forget(inner)
  const stored = await adapter('RefreshToken').find(inner)
  const grantId = stored?.grantId
  if (grantId === undefined) return
  for (const model of ['AccessToken', 'RefreshToken']) await adapter(model).revokeByGrantId(grantId)
}

export function newCookieKey(): string {
  return randomBytes(32).toString('base64url')
}
