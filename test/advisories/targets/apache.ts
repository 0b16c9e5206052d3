/**
 * Apache with mod_auth_openidc as a target: configured as the documentation of both has it, with a policy for each path,
 * and people who sign in to it by a real code flow at the development provider.
 */

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { findTool } from '../../../scripts/test-tools.mjs'
import { CALLBACK, loadModules, oneProcess, relyingParty } from '../../support/apache-openidc.ts'
import { createBrowserClient } from '../../support/browser-client.ts'
import type { DevelopmentProvider } from '../../support/development-provider.ts'
import { freePort } from '../../support/free-port.ts'
import type { Scope } from '../../support/scope.ts'
import { signIn } from '../../support/sign-in.ts'
import { startProvider } from '../../support/start-provider.ts'
import { until } from '../../support/start-redis.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { type ByteUpstreamOptions, startByteUpstream } from '../byte-upstream.ts'
import { typed } from '../cases/redirects.ts'
import { APP, HOST, PEOPLE, type Target } from '../target.ts'

const COOKIE = 'mod_auth_openidc_session'

export async function startApacheTarget(
  scope: Scope,
  { answer }: ByteUpstreamOptions = {},
): Promise<Target> {
  const command = findTool('apache2')
  const library = findTool('mod_auth_openidc')
  if (command === undefined || library === undefined) {
    throw new Error('Apache with mod_auth_openidc is not installed: run `npm run advisories`')
  }
  const upstream = await startByteUpstream(scope, answer === undefined ? {} : { answer })
  const provider = await startProvider(scope, {
    people: PEOPLE,
    redirectUris: [`${APP}${CALLBACK}`],
    postLogoutRedirectUris: [APP, `${APP}/`],
  })
  const ports = [await freePort(), await freePort()] as const
  const home = tempFolder(scope)
  const file = join(home, 'httpd.conf')
  writeFileSync(file, config(home, ports, upstream.origin, provider))
  await startApache(scope, command, home, ports)
  const [port, http2Port] = ports
  return {
    name: `Apache ${versionOf(command)} with mod_auth_openidc ${moduleVersion(library)}`,
    port,
    http2Port: async () => http2Port,
    upstream,
    cookie: rememberedCookies(port),
    sessionCookie: COOKIE,
    ownPath: CALLBACK,
    identity: {
      'X-Forwarded-User': 'sub',
      OIDC_CLAIM_sub: 'sub',
      OIDC_CLAIM_email: 'email',
      OIDC_CLAIM_preferred_username: 'preferred_username',
      OIDC_CLAIM_groups: 'groups',
      OIDC_CLAIM_name: 'name',
    },
    reserved: ['OIDC_access_token', 'OIDC_access_token_expires', 'OIDC_CLAIM_anything'],
    vouches: {
      'X-Forwarded-For': /^127\.0\.0\.1$/,
      'X-Forwarded-Host': /^app\.localhost(:\d+)?$/,
      'X-Forwarded-Server': /^app\.localhost$/,
    },
    leadsTo: new Set([APP, provider.issuer]),
    redirectors: [
      { name: 'sign-out', ask: async (address) => ask(`logout=${encoded(address)}`) },
      { name: 'sign-out, typed raw', ask: async (address) => ask(`logout=${typed(address)}`) },
      {
        name: 'sign-in begun elsewhere',
        ask: async (address) =>
          ask(`iss=${encoded(provider.issuer)}&target_link_uri=${encoded(address)}`),
      },
    ],
  }
}

const ask = (query: string) =>
  `GET ${CALLBACK}?${query} HTTP/1.1\r\nHost: ${HOST}\r\nAccept: text/html\r\nConnection: close\r\n\r\n`

/** As `encodeURIComponent`, but for half of a surrogate pair, which is none in UTF-8. */
const encoded = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)

/** Each of `PEOPLE` signs in once. What the app answers then is not looked at: an attack may be in the person's claims. */
function rememberedCookies(port: number): Target['cookie'] {
  const cookies = new Map<string, Promise<string>>()
  const signedIn = async (who: string) => {
    const browser = createBrowserClient(port)
    const { status } = await signIn(browser, `${APP}/`, who)
    const value = browser.cookies(HOST).get(COOKIE)
    if (value === undefined) throw new Error(`${who} could not sign in: ${status}`)
    return `Cookie: ${COOKIE}=${value}`
  }
  return (who) => {
    const cookie = cookies.get(who) ?? signedIn(who)
    cookies.set(who, cookie)
    return cookie
  }
}

async function startApache(
  scope: Scope,
  command: string,
  home: string,
  ports: readonly number[],
): Promise<void> {
  const child = spawn(command, ['-D', 'FOREGROUND', '-d', home, '-f', join(home, 'httpd.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const exit = once(child, 'exit')
  scope.teardown(async () => {
    child.kill('SIGTERM')
    await exit
  })
  for (const port of ports) {
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`Apache did not start: ${errors}`)
      return isOpen(port)
    })
  }
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isThere = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  })
  socket.destroy()
  return isThere
}

function versionOf(command: string): string {
  return /Apache\/([\d.]+)/.exec(execFileSync(command, ['-v'], { encoding: 'utf8' }))?.[1] ?? '?'
}

/** It holds the name that it tells providers. */
function moduleVersion(library: string): string {
  return /mod_auth_openidc-([\d.]+)/.exec(readFileSync(library, 'latin1'))?.[1] ?? '?'
}

/** Whoever asks for another host than the app's is refused, as Apache has it: the first virtual host is for them. */
function config(
  home: string,
  [port, http2Port]: readonly [number, number],
  upstream: string,
  provider: DevelopmentProvider,
): string {
  const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'proxy', 'proxy_http']
  const further = ['headers', 'reqtimeout', 'http2', 'auth_openidc']
  return `${loadModules([...modules, ...further])}
${oneProcess(home)}
Listen 127.0.0.1:${port}
Listen 127.0.0.1:${http2Port}
ServerName nobody.invalid
ServerTokens Prod
TraceEnable Off
HttpProtocolOptions Strict
StrictHostCheck On
KeepAliveTimeout 500ms
RequestReadTimeout header=2 body=2
ProxyTimeout 3
LogLevel notice
OIDCCacheShmEntrySizeMax 65536
OIDCCacheShmMax 200
${virtualHost(port, 'nobody.invalid', '<Location />\nRequire all denied\n</Location>')}
${virtualHost(http2Port, 'nobody.invalid', '<Location />\nRequire all denied\n</Location>')}
${virtualHost(port, HOST, app(upstream, provider))}
${virtualHost(http2Port, HOST, `Protocols h2c http/1.1\n${app(upstream, provider)}`)}
`
}

const virtualHost = (port: number, name: string, content: string) => `
<VirtualHost 127.0.0.1:${port}>
  ServerName ${name}
  ${content}
</VirtualHost>`

/** Open paths run through the module as well, which then takes out what clients send under its names. */
function app(upstream: string, provider: DevelopmentProvider): string {
  return `UseCanonicalName On
  ServerName ${APP}
  ${relyingParty(provider, APP)}
  OIDCRemoteUserClaim sub
  OIDCAuthNHeader X-Forwarded-User
  OIDCStripCookies ${COOKIE}
  ProxyPass / ${upstream}/ upgrade=websocket
  <Location />
    AuthType openid-connect
    Require valid-user
  </Location>
  <Location /public/>
    OIDCUnAuthAction pass
    Require valid-user
  </Location>
  <Location /admin>
    Require claim groups:admins
  </Location>`
}
