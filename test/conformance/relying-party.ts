/**
 * What the modules of the OpenID Foundation's relying-party plans need: a whole gateway that signs in at a provider which a
 * module makes misbehave. The names of the tests beside this file are the names of the modules.
 */

import type { Test } from 'tap'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type FakeProvider,
  type Faults,
  newKey,
  type SignedRequest,
  startFakeProvider,
} from '../identity/fake-provider.ts'
import {
  type BrowserAnswer,
  type BrowserClient,
  createBrowserClient,
} from '../support/browser-client.ts'
import { PUBLIC_URL, startGateway, type TestGateway } from '../support/start-gateway.ts'
import { startUpstream } from '../support/start-upstream.ts'

export const APP = 'http://app.localhost:8080'
export const NAME = 'op'
/** One for all modules: they take a while to make. */
export const rsaKey = await newKey('rsa-1', 'rsa')
export const otherRsaKey = await newKey('rsa-2', 'rsa')

export interface RelyingParty {
  readonly op: FakeProvider
  readonly gateway: TestGateway
  readonly browser: BrowserClient
  /** From the app to the provider, whose answer `changes` may spoil, and on to wherever that leads. */
  signIn(start?: string): Promise<Outcome>
}

export interface Outcome {
  /** What the gateway asked for at the authorization endpoint. */
  readonly asked: URLSearchParams
  readonly answer: BrowserAnswer
  /** Who is signed in now. */
  readonly subject: unknown
}

export interface Setup {
  readonly provider?: Readonly<Record<string, unknown>>
  readonly session?: Readonly<Record<string, unknown>>
  readonly now?: () => number
}

export async function startRelyingParty(
  t: Test,
  faults: Faults = {},
  setup: Setup = {},
): Promise<RelyingParty> {
  const op = await startFakeProvider(t, faults)
  op.keys.signing = rsaKey
  op.keys.published = [rsaKey.jwk]
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    config: {
      providers: {
        [NAME]: {
          issuer: op.issuer,
          client_id: CLIENT_ID,
          client_secret: CLIENT_SECRET,
          post_logout_redirect_uri: `${PUBLIC_URL}/.gatehouse/signed_out`,
          ...setup.provider,
        },
      },
      ...(setup.session === undefined ? {} : { session: setup.session }),
    },
    policies: `routes: [{ name: app, from: "${APP}", to: "${upstream.origin}", allow_any_authenticated_user: true }]`,
    ...(setup.now === undefined ? {} : { now: setup.now }),
  })
  const browser = createBrowserClient(gateway.port)
  return {
    op,
    gateway,
    browser,
    async signIn(start = `${APP}/page`) {
      const until = (url: URL) => url.origin === op.issuer
      const { location, ...stopped } = await browser.follow(start, { until })
      if (location === undefined) {
        return {
          asked: new URLSearchParams(),
          answer: { ...stopped, location },
          subject: undefined,
        }
      }
      const authorization = new URL(location)
      const callback = authorization.searchParams.get('redirect_uri') + op.approve(authorization)
      const answer = await browser.follow(callback, { until })
      const user = await browser.send(`${APP}/.gatehouse/user`)
      return {
        asked: authorization.searchParams,
        answer,
        subject: user.status === 200 ? user.json()['subject'] : undefined,
      }
    },
  }
}

export function requestsAt({ requests }: FakeProvider, path: string): readonly SignedRequest[] {
  return requests.filter((request) => request.path === path)
}

/** The answer of `op` is refused: nobody is signed in, and a page says so. */
export async function refuses(t: Test, faults: Faults, setup: Setup = {}): Promise<RelyingParty> {
  const rp = await startRelyingParty(t, faults, setup)
  const { answer, subject } = await rp.signIn()
  t.equal(answer.status, 502)
  t.match(answer.body, 'gave an answer that cannot be trusted, so nobody was signed in')
  t.equal(subject, undefined)
  t.notOk(rp.browser.cookies('localhost').has('gatehouse'))
  t.notOk(rp.browser.cookies('app.localhost').has('gatehouse'))
  return rp
}

/** Whoever the provider names is signed in, and lands on the page that was asked for. */
export async function accepts(t: Test, faults: Faults, setup: Setup = {}): Promise<RelyingParty> {
  const rp = await startRelyingParty(t, faults, setup)
  await lands(t, rp)
  return rp
}

export async function lands(t: Test, rp: RelyingParty): Promise<Outcome> {
  const outcome = await rp.signIn()
  t.equal(outcome.answer.status, 200)
  t.equal(outcome.answer.url, `${APP}/page`)
  t.equal(outcome.subject, '00u1')
  return outcome
}
