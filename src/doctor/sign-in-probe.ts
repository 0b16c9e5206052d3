/** Probes of a sign-in: does the provider know our redirect URI, and does it take our credentials? Nobody is signed in. */

import { randomBytes } from 'node:crypto'
import { createOpenIdProvider } from '../identity/provider/openid-provider.ts'
import { type Provider, ProviderFailure } from '../identity/provider/provider.ts'
import { type Finding, type ProbeContext, tryFetch } from './probe.ts'
import type { FoundProvider } from './provider-probe.ts'

const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** A real authorization request that asks nobody: a provider that knows the address sends it back there with an error. */
export async function probeRedirect(
  found: FoundProvider,
  context: ProbeContext,
): Promise<readonly Finding[]> {
  const { name, config } = found
  const redirectUri = context.snapshot.config.server.public_url + config.redirect_path
  const where = `providers.${name}.redirect_path`
  const url = await withProvider(found, context, (provider) =>
    provider.authorizationUrl(newRequest()),
  )
  if (typeof url === 'string') return [failedRequest(name, url)]
  if (!url.searchParams.has('request_uri')) url.searchParams.set('prompt', 'none')
  const answer = await tryFetch(context.fetchOf(name), url.href, {
    headers: { accept: 'text/html' },
  })
  if (typeof answer === 'string') return [{ level: 'error', what: `provider ${name}: ${answer}` }]
  await answer.body?.cancel()
  if (answer.status >= 500 || answer.status === 429) {
    const what = `provider ${name}: its authorization endpoint answers HTTP ${answer.status}`
    return [{ level: 'error', what, advice: 'try again; look at the status page of the provider' }]
  }
  if (answer.status >= 400) {
    const what = `provider ${name}: it refuses the redirect URI ${redirectUri} or the client id`
    const advice = `register exactly \`${redirectUri}\` as sign-in redirect URI of the app \`${config.client_id}\`, or change \`redirect_path\``
    return [{ level: 'error', what, advice, where }]
  }
  return [redirected(found, redirectUri, answer.headers.get('location'))]
}

/** Sent back, or on to a page of the provider: in either case the address is known. */
function redirected(
  { name, scopes }: FoundProvider,
  redirectUri: string,
  location: string | null,
): Finding {
  const error =
    location?.startsWith(redirectUri) === true
      ? (new URL(location).searchParams.get('error') ?? undefined)
      : undefined
  const known = `provider ${name}: the redirect URI ${redirectUri} is known there`
  switch (error) {
    case 'invalid_scope':
      return {
        level: 'error',
        what: `provider ${name}: it refuses the scopes ${scopes.join(' ')}`,
        advice:
          'leave out those that it does not have; `groups` must be made by an admin on a custom server of Okta',
        where: `providers.${name}.scopes`,
      }
    case 'unauthorized_client':
    case 'unsupported_response_type':
    case 'invalid_request':
      return {
        level: 'error',
        what: `provider ${name}: it refuses the request as \`${error}\``,
        advice: 'tick the grant "Authorization Code" of the app',
      }
    case 'access_denied':
      return {
        level: 'warning',
        what: `${known}, but the access policy refuses this app`,
        advice: 'give the authorization server an access policy with a rule for this app',
      }
    default:
      return { level: 'ok', what: known }
  }
}

/** A code that is none: whoever says so has taken our credentials. */
export async function probeCredentials(
  found: FoundProvider,
  context: ProbeContext,
): Promise<readonly Finding[]> {
  const { name, config } = found
  const request = newRequest()
  const query = `?${new URLSearchParams({ code: 'doctor', state: request.state })}`
  const outcome = await withProvider(found, context, async (provider) => {
    try {
      await provider.redeem(query, request)
      return undefined
    } catch (error) {
      if (error instanceof ProviderFailure) return error
      throw error
    }
  })
  if (typeof outcome === 'string') return [failedRequest(name, outcome)]
  if (outcome?.kind === 'restart') {
    const proof = config.client_auth ?? (config.client_secret === undefined ? 'none' : 'secret')
    return [{ level: 'ok', what: `provider ${name}: it takes our credentials (${proof})` }]
  }
  // RFC 9207: without an `iss` the answer above is none that could be redeemed.
  if (outcome?.kind === 'malformed') return []
  return [
    {
      level: outcome?.kind === 'misconfigured' ? 'error' : 'warning',
      what: `provider ${name}: the token endpoint says: ${outcome?.message ?? 'nothing'}`,
      advice: 'compare `client_id`, `client_secret` and `client_auth` with the settings of the app',
      where: `providers.${name}.client_secret`,
    },
  ]
}

function newRequest() {
  const token = () => randomBytes(32).toString('base64url')
  return { state: token(), nonce: token(), codeVerifier: token() }
}

/** What `act` found, or the sentence of the failure. */
async function withProvider<T>(
  { name, config }: FoundProvider,
  { snapshot, fetchOf, now }: ProbeContext,
  act: (provider: Provider) => Promise<T>,
): Promise<T | string> {
  const provider = createOpenIdProvider(name, config, {
    publicUrl: snapshot.config.server.public_url,
    log: SILENT,
    fetch: fetchOf(name),
    now,
  })
  try {
    return await act(provider)
  } catch (error) {
    if (error instanceof ProviderFailure) return error.message
    throw error
  } finally {
    provider.close()
  }
}

function failedRequest(name: string, why: string): Finding {
  return { level: 'error', what: `provider ${name}: ${why}` }
}
