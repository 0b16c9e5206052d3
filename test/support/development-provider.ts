/** A development identity provider: a real OpenID Connect issuer where one picks whom to be. Never for production. */

import { generateKeyPair, randomBytes } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import type { Configuration, JWK, KoaContextWithOIDC } from 'oidc-provider'
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js'
import { Provider } from 'oidc-provider/lib/provider.js'
import { type Page, pageHeaders, renderPage, sendPage } from '../../src/demo/html.ts'
import { listenOnLoopback } from '../../src/demo/listen.ts'
import type { Person } from '../../src/demo/people.ts'
import { leaveOtherAccount, readForm } from '../../src/demo/picked-account.ts'
import { pickerPage, providerErrorPage, signedOutPage } from '../../src/demo/provider-pages.ts'
import { signOutAtOnce } from './development-sign-out.ts'

export interface DevelopmentProviderOptions {
  /** Default: a free one. */
  readonly port?: number
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  readonly people: readonly Person[]
  /** Default `client_secret_basic`. */
  readonly clientAuth?: 'client_secret_basic' | 'client_secret_post' | 'none'
  /** True: groups, e-mail and name come from UserInfo only, as some issuers have it. */
  readonly thinIdToken?: boolean
}

export interface DevelopmentProvider {
  /** `http://127.0.0.1:PORT`; another host than Gatehouse's, so that no cookie of the one reaches the other. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  close(): Promise<void>
}

const CLIENT_ID = 'gatehouse'
const INTERACTION_PATH = '/pick'
const DAY_SECONDS = 86_400

/** Starts a provider on 127.0.0.1 with fresh keys and an empty memory. */
export async function startDevelopmentProvider(
  options: DevelopmentProviderOptions,
): Promise<DevelopmentProvider> {
  // The issuer holds the port, so the server listens first; no request comes before its address is known.
  let listener: RequestListener = (_request, response) => response.writeHead(503).end()
  const server = await listenOnLoopback(
    (request, response) => listener(request, response),
    options.port,
  )
  const clientSecret = randomBytes(32).toString('base64url')
  const provider = new Provider(
    server.origin,
    configuration(options, clientSecret, await signingKey()),
  )
  provider.use(signOutAtOnce)
  const callback = provider.callback()
  listener = (request, response) => {
    if (request.url?.startsWith(`${INTERACTION_PATH}/`) !== true) {
      void callback(request, response)
      return
    }
    pick(provider, options.people, request, response).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause)
      sendPage(response, 400, providerErrorPage('invalid_request', reason))
    })
  }
  return { issuer: server.origin, clientId: CLIENT_ID, clientSecret, close: server.close }
}

async function signingKey(): Promise<JWK> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const kid = randomBytes(8).toString('base64url')
  return { ...(privateKey.export({ format: 'jwk' }) as JWK), kid, use: 'sig', alg: 'RS256' }
}

// Every option for which oidc-provider would print advice is set: a demo talks about itself only.
function configuration(
  options: DevelopmentProviderOptions,
  clientSecret: string,
  key: JWK,
): Configuration {
  const { people, clientAuth = 'client_secret_basic' } = options
  const extraClaims = new Set(people.flatMap((person) => Object.keys(person.claims ?? {})))
  return {
    adapter: createMemoryAdapter(),
    jwks: { keys: [key] },
    clients: [
      {
        client_id: CLIENT_ID,
        ...(clientAuth === 'none' ? {} : { client_secret: clientSecret }),
        token_endpoint_auth_method: clientAuth,
        redirect_uris: [...options.redirectUris],
        post_logout_redirect_uris: [...options.postLogoutRedirectUris],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    scopes: ['openid', 'offline_access'],
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username', ...extraClaims],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    conformIdTokenClaims: options.thinIdToken ?? false,
    findAccount: (_context, sub) => accountOf(people, sub),
    loadExistingGrant: grantEverything,
    pkce: { required: () => true },
    clientBasedCORS: () => false,
    interactions: { url: (_context, interaction) => `${INTERACTION_PATH}/${interaction.uid}` },
    cookies: {
      keys: [randomBytes(32).toString('base64url')],
      names: {
        session: 'development-provider',
        interaction: 'development-provider-pick',
        resume: 'development-provider-resume',
      },
    },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => showPage(context, signOutPage(form)),
        postLogoutSuccessSource: (context) => showPage(context, signedOutPage()),
      },
    },
    renderError: (context, { error, error_description }) =>
      showPage(context, providerErrorPage(String(error), error_description)),
    ttl: {
      AccessToken: 3_600,
      AuthorizationCode: 60,
      Grant: DAY_SECONDS,
      IdToken: 3_600,
      Interaction: 3_600,
      RefreshToken: DAY_SECONDS,
      Session: DAY_SECONDS,
    },
  }
}

function accountOf(people: readonly Person[], sub: string) {
  const person = people.find((candidate) => candidate.sub === sub)
  if (person === undefined) return undefined
  return {
    accountId: sub,
    claims: () => ({
      ...person.claims,
      sub,
      name: person.name,
      preferred_username: person.preferredUsername,
      email: person.email,
      email_verified: person.emailVerified ?? true,
      groups: [...person.groups],
    }),
  }
}

/** Consent is given for whatever is asked: there is nobody to ask. */
async function grantEverything(context: KoaContextWithOIDC) {
  const { client, session, provider, requestParamOIDCScopes } = context.oidc
  if (client === undefined || session?.accountId === undefined) return undefined
  const known = session.grantIdFor(client.clientId)
  const grant =
    (known === undefined ? undefined : await provider.Grant.find(known)) ??
    new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope([...requestParamOIDCScopes].join(' '))
  await grant.save()
  return grant
}

function showPage(context: KoaContextWithOIDC, page: Parameters<typeof renderPage>[0]): void {
  context.set(pageHeaders())
  context.body = renderPage(page)
}

/** Shows the picker on GET; takes its answer on POST. */
async function pick(
  provider: Provider,
  people: readonly Person[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const interaction = await provider.interactionDetails(request, response)
  if (request.method !== 'POST') {
    const hint = interaction.params['login_hint']
    const page = pickerPage(people, request.url ?? '', {
      ...(typeof hint === 'string' ? { hint } : {}),
      ...(interaction.session === undefined ? {} : { current: interaction.session.accountId }),
    })
    return sendPage(response, 200, page)
  }
  const form = new URLSearchParams(await readForm(request))
  const person = people.find((candidate) => candidate.id === form.get('person'))
  if (person === undefined) {
    if (!form.has('cancel')) throw new Error('Nobody of that name is known here.')
    return provider.interactionFinished(request, response, {
      error: 'access_denied',
      error_description: 'the sign-in was cancelled',
    })
  }
  await leaveOtherAccount(provider, person.sub, interaction, request, response)
  await provider.interactionFinished(request, response, { login: { accountId: person.sub } })
}

function signOutPage(form: string): Page {
  return {
    title: 'Sign out?',
    narrow: true,
    body: `<p class="eyebrow">Development identity provider</p>
<h1>Sign out?</h1>
<p class="soft">This ends your session at the identity provider.</p>
${form}
<p><button class="plain" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button></p>
<p><button class="plain" form="op.logoutForm">Stay signed in</button></p>`,
  }
}
