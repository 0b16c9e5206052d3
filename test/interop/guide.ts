/** A gateway set up exactly as a page of docs/ says, for an Okta app set up exactly as that page says. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { parse } from 'yaml'
import type { Okta } from '../../src/demo/okta/okta.ts'
import { hashPassword } from '../../src/identity/passwords.ts'
import type { Clock } from '../../src/support/time.ts'
import { type BrowserClient, createBrowserClient } from '../support/browser-client.ts'
import { startGateway, type TestGateway } from '../support/start-gateway.ts'
import { startUpstream, type Upstream } from '../support/start-upstream.ts'

/** As the pages have them. */
export const CLIENT_ID = '0oa1example'
const OKTA = 'https://acme.okta.com'
export const ROOT_PASSWORD = 'correct horse battery'
const ROOT_HASH = await hashPassword(ROOT_PASSWORD)

export interface GuideOptions {
  readonly okta: Okta
  readonly env?: Readonly<Record<string, string>>
  /** The page's text, changed before anything is taken from it. */
  readonly change?: (text: string) => string
  readonly now?: Clock
}

export interface Guide {
  readonly gateway: TestGateway
  readonly upstream: Upstream
  readonly browser: BrowserClient
  newBrowser(): BrowserClient
}

/** @param page name of the file in docs/ */
export async function startGuide(t: Test, page: string, options: GuideOptions): Promise<Guide> {
  const upstream = await startUpstream(t)
  const written = readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8')
  const text = (options.change?.(written) ?? written)
    .replaceAll(OKTA, options.okta.org)
    .replaceAll(/\bto: http:\/\/[^\s,}]+/g, `to: ${upstream.origin}`)
  const files = new Map(
    [...text.matchAll(/^```yaml\n# (\S+\.yaml).*\n([\s\S]*?)^```/gm)].map(
      ([, name = '', content = '']) => [name, content] as const,
    ),
  )
  const { server, session, ...config } = parse(files.get('gatehouse.yaml') ?? '') as Sections
  const { listen: _, ...ownServer } = server ?? {}
  const policies = [...files].filter(([name]) => name.startsWith('policies/'))
  const gateway = await startGateway(t, {
    config: {
      providers: {},
      ...config,
      // What the page leaves out is left out.
      server: { public_url: undefined, ...ownServer },
      session: { ...session, store: 'memory:' },
    },
    policies: Object.fromEntries(
      policies.map(([name, content]) => [name.slice('policies/'.length), content]),
    ),
    env: {
      OKTA_CLIENT_SECRET: options.okta.app.clientSecret,
      GATEHOUSE_SECRET: Buffer.alloc(32, 9).toString('base64'),
      ROOT_HASH,
      ...options.env,
    },
    ...(options.now === undefined ? {} : { now: options.now }),
  })
  const newBrowser = () => createBrowserClient(gateway.port)
  return { gateway, upstream, browser: newBrowser(), newBrowser }
}

type Sections = Readonly<Record<string, unknown>> & {
  readonly server?: Readonly<Record<string, unknown>>
  readonly session?: Readonly<Record<string, unknown>>
}

/** Signs out as the page that asks for it does, and follows wherever that leads. */
export async function signOut(browser: BrowserClient, origin: string) {
  const answer = await browser.post(`${origin}/.gatehouse/sign_out`)
  const atProvider = answer.location ?? ''
  return { atProvider, end: await browser.follow(atProvider) }
}
