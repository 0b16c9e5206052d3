/** The demo: a gateway on loopback with an identity provider, two apps and a store of its own, all of them gone when it ends. */

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOkta } from './okta/okta.ts'
import { DEMO_PEOPLE, type Person } from './people.ts'
import { claimPort, codeOf, forwardIpv6Loopback, PortTakenError } from './port.ts'
import { createPolicyReader } from './rewrite-policies.ts'
import { startSampleApp } from './sample-apps.ts'

/** What the demo asks of the gateway. */
export interface DemoGateway {
  stop(): Promise<void>
}

export interface DemoOptions {
  /** The port of the gateway; 0: any free one. */
  readonly port: number
  /** The folder of policies to serve as it lies there; absolute. */
  readonly policies: string
  /** Where request lines go: a file; default stdout. */
  readonly decisions?: string
  /** `logging.audit`; default `stdout`. */
  readonly audit?: string
  /** Starts the gateway. `readFile` reads files in place of node:fs. */
  readonly startGateway: (options: {
    readonly configFile: string
    readonly readFile: (path: string) => Promise<Buffer>
  }) => Promise<DemoGateway>
}

export interface Demo {
  /** `http://localhost:PORT` */
  readonly publicUrl: string
  readonly issuer: string
  readonly people: readonly Person[]
  readonly configFile: string
  readonly readFile: (path: string) => Promise<Buffer>
  stop(): Promise<void>
}

const HELLO = { title: 'Hello', host: 'hello.localhost', written: 'http://hello-app.internal:3000' }
const REPORTS = {
  title: 'Reports',
  host: 'reports.localhost',
  written: 'http://reports-app.internal:3000',
}

/**
 * Starts everything, or nothing.
 * @throws PortTakenError; whatever `startGateway` throws
 */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const running: (() => Promise<void> | void)[] = []
  // The gateway goes first, so that it never finds a part of its world missing.
  const stop = async () => {
    for (const end of running.splice(0).reverse()) await end()
  }
  try {
    return { ...(await startParts(options, running)), stop }
  } catch (cause) {
    await stop()
    throw cause
  }
}

async function startParts(
  options: DemoOptions,
  running: (() => Promise<void> | void)[],
): Promise<Omit<Demo, 'stop'>> {
  const port = await claimPort(options.port)
  const publicUrl = `http://localhost:${port}`
  const signedOut = `${publicUrl}/.gatehouse/signed_out`
  const okta = await startOkta({
    people: DEMO_PEOPLE,
    app: {
      redirectUris: [`${publicUrl}/oauth2/callback`],
      postLogoutRedirectUris: [signedOut],
      initiateLoginUri: `${publicUrl}/.gatehouse/login/demo`,
    },
  })
  running.push(okta.close)
  const upstreams = await startSampleApps(port, publicUrl, running)
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-demo-'))
  running.push(() => rmSync(folder, { recursive: true, force: true }))
  const configFile = join(folder, 'gatehouse.yaml')
  writeFileSync(
    configFile,
    configText({
      server: {
        listen: `127.0.0.1:${port}`,
        public_url: publicUrl,
        admin_listen: '127.0.0.1:0',
        drain_timeout: '1s',
      },
      providers: {
        demo: {
          issuer: okta.issuer,
          client_id: okta.app.clientId,
          client_secret: okta.app.clientSecret,
          scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
          post_logout_redirect_uri: signedOut,
          display_name: 'Demo Identity',
          directory: { kind: 'okta', url: okta.org, api_token: okta.apiToken },
        },
      },
      session: { secret: randomBytes(32).toString('base64'), store: 'sqlite:sessions.db' },
      // The apps show all groups, not only those that their policy names.
      identity_headers: { groups: 'all' },
      brand: { name: 'Gatehouse demo', contact: 'the person who started this demo' },
      logging: {
        level: 'warn',
        decisions: options.decisions ?? 'stdout',
        audit: options.audit ?? 'stdout',
      },
      policies: [options.policies],
    }),
    { mode: 0o600 },
  )
  const readFile = createPolicyReader({ folder: options.policies, port, upstreams })
  const gateway = await startGateway(options, { configFile, readFile }, port)
  running.push(() => gateway.stop())
  const forwarding = await forwardIpv6Loopback(port)
  running.push(forwarding.close)
  return { publicUrl, issuer: okta.issuer, people: DEMO_PEOPLE, configFile, readFile }
}

/** The apps' addresses by the names that policies have for them. */
async function startSampleApps(
  port: number,
  publicUrl: string,
  running: (() => Promise<void> | void)[],
): Promise<ReadonlyMap<string, string>> {
  const upstreams = new Map<string, string>()
  for (const [app, other] of [
    [HELLO, REPORTS],
    [REPORTS, HELLO],
  ] as const) {
    const server = await startSampleApp({
      title: app.title,
      origin: `http://${app.host}:${port}`,
      otherApp: { title: other.title, origin: `http://${other.host}:${port}` },
      publicUrl,
      jwksUrl: `${publicUrl}/.gatehouse/jwks.json`,
    })
    running.push(server.close)
    upstreams.set(app.written, server.origin)
  }
  return upstreams
}

async function startGateway(
  options: DemoOptions,
  files: Parameters<DemoOptions['startGateway']>[0],
  port: number,
): Promise<DemoGateway> {
  try {
    return await options.startGateway(files)
  } catch (cause) {
    // It was free a moment ago: somebody else was quicker.
    if (codeOf(cause) === 'EADDRINUSE') throw new PortTakenError(port, cause)
    throw cause
  }
}

/** JSON is YAML. A `${` in a path stands for itself. */
function configText(config: unknown): string {
  const json = JSON.stringify(config, undefined, 2).replaceAll('${', () => '$${')
  return `# Made by the demo, and removed with it.\n${json}\n`
}
