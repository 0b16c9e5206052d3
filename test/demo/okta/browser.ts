/** A sign-in at the Okta stand-in by openid-client: what any relying party would do, so that tests see Okta's side of it. */

import * as client from 'openid-client'
import type { Test } from 'tap'
import type { Okta, OktaOptions } from '../../../src/demo/okta/okta.ts'
import { startOkta } from '../../support/start-okta.ts'

const CALLBACK = 'http://localhost:8080/oauth2/callback'

export interface Browser {
  visit(url: string, form?: Readonly<Record<string, string>>): Promise<Response>
}

/** Cookies by name and path; redirects followed until they leave `origin`. */
export function createBrowser(origin: string): Browser {
  const jar = new Map<string, { value: string; path: string }>()
  const visit: Browser['visit'] = async (url, form) => {
    const { pathname } = new URL(url)
    const cookies = [...jar]
      .filter(([, { path }]) => pathname.startsWith(path))
      .map(([name, { value }]) => `${name.split('\n')[0]}=${value}`)
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: cookies.join('; '), accept: 'text/html' },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      const path = /; ?path=([^;]*)/i.exec(line)?.[1] ?? '/'
      if (value === '') jar.delete(`${name}\n${path}`)
      else jar.set(`${name}\n${path}`, { value, path })
    }
    const location = response.headers.get('location')
    if (location === null) return response
    const next = new URL(location, url)
    return next.origin === origin ? visit(next.href) : response
  }
  return { visit }
}

export async function startSignIn(
  t: Test,
  options: OktaOptions & { readonly custom?: boolean } = {},
) {
  const { custom = false, ...rest } = options
  const okta = await startOkta(t, rest)
  const config = await discover(okta, custom)
  const verifier = client.randomPKCECodeVerifier()
  const browser = createBrowser(okta.org)
  const authorizationUrl = async (parameters: Record<string, string | undefined> = {}) => {
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: custom ? 'openid profile email' : 'openid profile email groups',
      state: 'some-state',
      nonce: 'some-nonce',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    for (const [name, value] of Object.entries(parameters)) {
      if (value === undefined) url.searchParams.delete(name)
      else url.searchParams.set(name, value)
    }
    return url.href
  }
  const redeem = (answer: Response) =>
    client.authorizationCodeGrant(config, new URL(answer.headers.get('location') ?? ''), {
      expectedState: 'some-state',
      expectedNonce: 'some-nonce',
      pkceCodeVerifier: verifier,
    })
  const signIn = async (person: string, parameters: Record<string, string | undefined> = {}) => {
    const page = await browser.visit(await authorizationUrl(parameters))
    // With a session at Okta nobody is asked.
    if (page.headers.has('location')) return redeem(page)
    return redeem(await browser.visit(page.url, { person }))
  }
  return { okta, config, browser, authorizationUrl, redeem, signIn }
}

async function discover(okta: Okta, custom: boolean): Promise<client.Configuration> {
  const config = await client.discovery(
    new URL(custom ? okta.defaultIssuer : okta.issuer),
    okta.app.clientId,
    undefined,
    okta.app.clientAuth === 'none'
      ? client.None()
      : client.ClientSecretBasic(okta.app.clientSecret),
    { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
  )
  return config
}

/** The error that `promise` rejects with; undefined where it does not. */
export function refusal(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}
