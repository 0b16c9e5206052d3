/** `npm run okta`: the Okta stand-in on a fixed port, with a config of Gatehouse for it to copy. Ctrl-C ends it. */

import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { startOkta } from '../src/demo/okta/okta.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8400' },
    'public-url': { type: 'string', default: 'http://localhost:8080' },
    'redirect-path': { type: 'string', default: '/oauth2/callback' },
  },
})
const publicUrl = values['public-url']
const okta = await startOkta({
  port: Number(values.port),
  app: {
    redirectUris: [publicUrl + values['redirect-path']],
    postLogoutRedirectUris: [publicUrl, `${publicUrl}/.gatehouse/signed_out`],
    initiateLoginUri: `${publicUrl}/.gatehouse/login/okta`,
    frontchannelLogoutUri: `${publicUrl}/.gatehouse/frontchannel_logout/okta`,
  },
})
process.stdout.write(`An Okta organisation to develop against is at ${okta.org}. Ctrl-C ends it.

providers:
  okta:
    issuer: ${okta.issuer}    # or ${okta.defaultIssuer}
    client_id: ${okta.app.clientId}
    client_secret: ${okta.app.clientSecret}
    redirect_path: ${values['redirect-path']}
    directory:
      kind: okta
      url: ${okta.org}
      api_token: ${okta.apiToken}
`)
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
await okta.close()
