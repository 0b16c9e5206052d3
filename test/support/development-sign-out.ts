/** Sign-out as Okta does it: an app that shows whose ID token it holds gets its redirect at once, without a question. */

import type { KoaContextWithOIDC } from 'oidc-provider'

/**
 * Koa middleware around oidc-provider. Its own answer to the end-session endpoint is a form to confirm, which is left
 * standing where no `id_token_hint` came or where that belongs to somebody else.
 * @see OpenID Connect RP-Initiated Logout 1.0, sections 2 and 3
 */
export async function signOutAtOnce(
  context: KoaContextWithOIDC,
  next: () => Promise<unknown>,
): Promise<void> {
  await next()
  if (context.oidc?.route !== 'end_session' || context.status !== 200) return
  const { session, params, provider, entities } = context.oidc
  const hinted = entities.IdTokenHint?.payload['sub']
  if (session === undefined || hinted === undefined) return
  if (session.accountId !== undefined && session.accountId !== hinted) return
  const grantId = session.grantIdFor(String(entities.Client?.clientId))
  if (grantId !== undefined) {
    await provider.AccessToken.revokeByGrantId(grantId)
    await (await provider.Grant.find(grantId))?.destroy()
  }
  await session.destroy()
  context.cookies.set(provider.cookieName('session'), null, { overwrite: true })
  context.redirect(returnAddress(context, params))
}

function returnAddress(
  context: KoaContextWithOIDC,
  params: KoaContextWithOIDC['oidc']['params'],
): string {
  // Checked by oidc-provider before this: an address that is not registered never comes here.
  const address = params?.['post_logout_redirect_uri']
  if (typeof address !== 'string') return context.oidc.urlFor('end_session_success')
  const state = params?.['state']
  if (typeof state !== 'string') return address
  return `${address}${address.includes('?') ? '&' : '?'}state=${encodeURIComponent(state)}`
}
