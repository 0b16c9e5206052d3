/** Sign-out at the Okta stand-in: a valid `id_token_hint` is needed, nobody is asked, and the browser goes back at once. */

import { text } from 'node:stream/consumers'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { pageHeaders, renderPage } from '../html.ts'
import { providerErrorPage, signedOutPage } from '../provider-pages.ts'
import type { ServerOptions } from './authorization-server.ts'
import type { KeyRing } from './key-ring.ts'

/** For `provider.use`; answers both GET and POST. */
export function oktaSignOut(provider: Provider, options: ServerOptions, keys: KeyRing) {
  const path = options.isOrg ? '/oauth2/v1/logout' : '/v1/logout'
  return async (context: KoaContextWithOIDC, next: () => Promise<unknown>): Promise<void> => {
    if (context.path !== path) return void (await next())
    const form = context.method === 'POST' ? await text(context.req) : context.querystring
    const parameters = new URLSearchParams(form)
    const sub = await subjectOf(parameters.get('id_token_hint'), keys)
    const landing = parameters.get('post_logout_redirect_uri')
    if (sub === undefined) return errorPage(context, "The 'id_token_hint' is missing or invalid.")
    if (landing !== null && !options.app.postLogoutRedirectUris.includes(landing)) {
      return errorPage(context, "The 'post_logout_redirect_uri' is not registered.")
    }
    await endSession(context, provider, sub)
    if (landing === null) return showPage(context, 200, signedOutPage())
    const state = parameters.get('state')
    const query = state === null ? '' : `state=${encodeURIComponent(state)}`
    const separator = landing.includes('?') ? '&' : '?'
    context.redirect(query === '' ? landing : landing + separator + query)
  }
}

async function subjectOf(hint: string | null, keys: KeyRing): Promise<string | undefined> {
  if (hint === null) return undefined
  try {
    return (await keys.verify(hint)).sub
  } catch {
    return undefined
  }
}

/** Only a session of the hint's own subject ends. */
async function endSession(
  context: KoaContextWithOIDC,
  provider: Provider,
  sub: string,
): Promise<void> {
  const session = await provider.Session.get(provider.createContext(context.req, context.res))
  if (session.accountId !== sub) return
  await session.destroy()
  context.cookies.set(provider.cookieName('session'), null, { overwrite: true })
}

function errorPage(context: KoaContextWithOIDC, text: string): void {
  showPage(context, 400, providerErrorPage('invalid_request', text))
}

function showPage(
  context: KoaContextWithOIDC,
  status: number,
  page: Parameters<typeof renderPage>[0],
): void {
  context.status = status
  context.set(pageHeaders())
  context.body = renderPage(page)
}
