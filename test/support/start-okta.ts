/** The Okta stand-in for tests: an organisation with an app for Gatehouse on `publicUrl`; stopped with the test. */

import type { Test } from 'tap'
import { type Okta, type OktaOptions, startOkta as start } from '../../src/demo/okta/okta.ts'

export async function startOkta(
  t: Test,
  options: OktaOptions & { readonly publicUrl?: string } = {},
): Promise<Okta> {
  const { publicUrl = 'http://localhost:8080', app, ...rest } = options
  const okta = await start({
    ...rest,
    app: {
      redirectUris: [`${publicUrl}/oauth2/callback`],
      postLogoutRedirectUris: [publicUrl, `${publicUrl}/`, `${publicUrl}/.gatehouse/signed_out`],
      initiateLoginUri: `${publicUrl}/.gatehouse/login/okta`,
      frontchannelLogoutUri: `${publicUrl}/.gatehouse/frontchannel_logout/okta`,
      ...app,
    },
  })
  t.teardown(okta.close)
  return okta
}
