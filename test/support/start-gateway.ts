/** A whole gateway for tests: config and policies in a folder of its own, listening on free ports, stopped with the test. */

import { readFileSync } from 'node:fs'
import { type Agent, type IncomingHttpHeaders, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Gateway, startGateway as startApp } from '../../src/app.ts'
import type { Clock } from '../../src/support/time.ts'
import type { DevelopmentProvider } from './development-provider.ts'
import type { Scope } from './scope.ts'
import { tempFolder, writeFiles } from './temp-folder.ts'
import { checkWhatWasWritten, refuseSecretsIn } from './written-secrets.ts'

/** What tests call the gateway: ports in URLs only build links, so the real one need not be known beforehand. */
export const PUBLIC_URL = 'http://localhost:8080'

export interface GatewayOptions {
  /** Content of `policies/test.yaml`, or contents by file name. */
  readonly policies: string | Readonly<Record<string, string>>
  /** The identity provider `demo`; without one a provider is configured that nobody can reach. */
  readonly provider?: DevelopmentProvider
  /** Keys in place of those that are written otherwise, section by section; `providers` as a whole. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  readonly now?: Clock
  /** `--kubernetes`; `env` then names a KUBECONFIG. */
  readonly kubernetes?: boolean
}

export interface TestAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The body as JSON; throws where it is none. */
  json(): Record<string, unknown>
}

export interface RequestOptions {
  readonly method?: string
  /** In place of the URL's path and query, as it stands: no URL parser has mended it. */
  readonly target?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
  /** For connections that live on; default: one for this request. */
  readonly agent?: Agent
}

export interface TestGateway {
  readonly gateway: Gateway
  /** Where it listens on 127.0.0.1. */
  readonly port: number
  /** `http://127.0.0.1:PORT` of the admin listener. */
  readonly adminUrl: string
  readonly folder: string
  /** Sends a request for `url` (any host and port) to the gateway, whatever the name resolves to; follows nothing. */
  get(url: string, options?: RequestOptions): Promise<TestAnswer>
  /** As `get`, as a browser does it that opens the page. */
  visit(url: string, options?: RequestOptions): Promise<TestAnswer>
  /** Writes policy files anew; whoever needs them live calls `gateway.reload()`. */
  writePolicies(policies: GatewayOptions['policies']): void
  /** Request lines so far. */
  decisions(): readonly Record<string, unknown>[]
}

/** A folder with the config and the policies of a gateway. */
export function writeGateway(
  t: Scope,
  options: Omit<GatewayOptions, 'env' | 'now' | 'kubernetes'>,
) {
  const folder = tempFolder(t)
  const writePolicies = (policies: GatewayOptions['policies']) => {
    const files = typeof policies === 'string' ? { 'test.yaml': policies } : policies
    writeFiles(join(folder, 'policies'), files)
  }
  writePolicies(options.policies)
  const configFile = join(folder, 'gatehouse.yaml')
  writeFiles(folder, { 'gatehouse.yaml': JSON.stringify(configOf(options), undefined, 2) })
  return { folder, configFile, writePolicies }
}

/** Starts the real thing from files, exactly as `gatehouse serve` does. */
export async function startGateway(t: Scope, options: GatewayOptions): Promise<TestGateway> {
  const { folder, configFile, writePolicies } = writeGateway(t, options)
  checkWhatWasWritten(t, folder)
  const gateway = await startApp({
    configFile,
    env: options.env ?? {},
    now: options.now ?? Date.now,
    kubernetes: options.kubernetes === true,
  })
  t.teardown(() => gateway.stop())
  const { port } = gateway.address
  const get = (url: string, what: RequestOptions = {}) => sendTo(port, url, what)
  return {
    gateway,
    port,
    adminUrl: `http://127.0.0.1:${gateway.adminAddress.port}`,
    folder,
    get,
    visit: (url, what = {}) =>
      get(url, { ...what, headers: { accept: 'text/html', ...what.headers } }),
    writePolicies,
    decisions: () => readLines(join(folder, 'decisions.log')),
  }
}

/** A file of JSON lines. */
export function readLines(file: string): readonly Record<string, unknown>[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

function configOf({ provider, config = {} }: GatewayOptions): Record<string, unknown> {
  const written: Record<string, unknown> = {
    server: {
      listen: '127.0.0.1:0',
      public_url: PUBLIC_URL,
      admin_listen: '127.0.0.1:0',
      drain_timeout: '1s',
    },
    providers: {
      demo: {
        issuer: provider?.issuer ?? 'http://127.0.0.1:9',
        client_id: provider?.clientId ?? 'nobody',
        client_secret: provider?.clientSecret ?? 'nothing',
      },
    },
    session: { secret: Buffer.alloc(32, 7).toString('base64'), store: 'memory:' },
    logging: { level: 'error', decisions: 'decisions.log', audit: 'audit.log' },
    policies: ['policies/'],
  }
  for (const [section, keys] of Object.entries(config)) {
    const known = written[section]
    const merges = section !== 'providers' && isMapping(known) && isMapping(keys)
    written[section] = merges ? { ...known, ...keys } : keys
  }
  return written
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Sends one request over a connection of its own. */
export function sendTo(
  port: number,
  url: string,
  options: RequestOptions = {},
): Promise<TestAnswer> {
  const { host, pathname, search } = new URL(url)
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        path: options.target ?? pathname + search,
        method: options.method ?? 'GET',
        headers: { host, ...options.headers },
        agent: options.agent ?? false,
      },
      (response) => {
        text(response)
          .then((body) => refuseSecretsIn(body, url))
          .then(
            (body) =>
              resolve({
                status: response.statusCode ?? 0,
                headers: response.headers,
                body,
                json: () => JSON.parse(body) as Record<string, unknown>,
              }),
            reject,
          )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(options.body)
  })
}
