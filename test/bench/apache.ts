/** Apache with mod_auth_openidc, the usual way to put sign-in before an app, and a person who has signed in to it. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findCommand } from '../../scripts/test-tools.mjs'
import { CALLBACK, loadModules, oneProcess, relyingParty } from '../support/apache-openidc.ts'
import { createBrowserClient } from '../support/browser-client.ts'
import {
  type DevelopmentProvider,
  startDevelopmentProvider,
} from '../support/development-provider.ts'
import { freePort } from '../support/free-port.ts'
import { signIn } from '../support/sign-in.ts'
import { BROWSER_HEADERS, type Candidate, HOST, pageUrl } from './candidate.ts'
import { startPinned, TESTED_CORE } from './processes.ts'

const ORIGIN = `http://${HOST}:8080`

/** Signs in by a real code flow at the development provider, which is then no longer needed. */
export async function startApache(folder: string, upstream: number): Promise<Candidate> {
  const port = await freePort()
  const provider = await startDevelopmentProvider({
    redirectUris: [`${ORIGIN}${CALLBACK}`],
    postLogoutRedirectUris: [ORIGIN],
    people: [
      {
        id: 'ana',
        sub: '00u1bench',
        name: 'Ana Example',
        preferredUsername: 'ana',
        email: 'ana@example.com',
        groups: ['team-7', 'everyone', 'staff'],
        about: 'Measures.',
      },
    ],
  })
  try {
    const home = join(folder, 'apache')
    mkdirSync(home)
    writeFileSync(join(home, 'httpd.conf'), config(home, port, upstream, provider))
    const apache = findCommand('apache2') ?? 'apache2'
    const command = [apache, '-D', 'FOREGROUND', '-d', home, '-f', join(home, 'httpd.conf')]
    const started = await startPinned(TESTED_CORE, command, { port })
    const browser = createBrowserClient(port)
    const answer = await signIn(browser, `${ORIGIN}/`, 'ana')
    if (answer.status !== 200) {
      await started.stop()
      const log = readFileSync(join(home, 'error.log'), 'utf8')
      throw new Error(`Apache answers ${answer.status} after the sign-in: ${answer.body}\n${log}`)
    }
    const cookie = `theme=dark; ${browser.cookieHeader(HOST)}`
    return {
      name: 'Apache mod_auth_openidc',
      process: started,
      url: pageUrl(port),
      headers: { ...BROWSER_HEADERS, Host: `${HOST}:8080`, Cookie: cookie },
    }
  } finally {
    await provider.close()
  }
}

/** Connections to the upstream kept, a group asked for, an access log. */
function config(
  home: string,
  port: number,
  upstream: number,
  provider: DevelopmentProvider,
): string {
  const modules = ['mpm_event', 'authn_core', 'authz_core', 'proxy', 'proxy_http', 'auth_openidc']
  return `${loadModules(modules)}
${oneProcess(home)}
ServerName ${HOST}:8080
UseCanonicalName On
Listen 127.0.0.1:${port}
LogFormat "%h %u %t \\"%r\\" %>s %b %D" common
CustomLog ${home}/access.log common
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 75
${relyingParty(provider, ORIGIN)}
<Location />
  AuthType openid-connect
  Require claim groups:team-7
  ProxyPass http://127.0.0.1:${upstream}/ keepalive=On
</Location>
`
}
