/**
 * The modules of the OpenID Foundation's conformance plans for relying parties that apply here: Back-Channel Logout RP and
 * Front-Channel Logout RP, response type `code`. Each is named as there; its tokens are made as its provider makes them.
 */

import { randomUUID } from 'node:crypto'
import { SignJWT, UnsecuredJWT } from 'jose'
import { type Test, test } from 'tap'
import { startSignals } from '../endpoints/signal-fixture.ts'
import { CLIENT_ID, type Json, newKey } from '../identity/fake-provider.ts'
import { PUBLIC_URL } from '../support/start-gateway.ts'

const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} }
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const person = { sub: 'user-subject-1234531', sid: 'session-1' }

/** Somebody signs in; then the provider sends a logout token of its own kind, without a type. */
async function backchannel(t: Test) {
  const fixture = await startSignals(t)
  const signedIn = await fixture.signIn(person)
  const claims = (changes: Json = {}): Json => {
    const iat = Math.floor(Date.now() / 1_000)
    const good: Json = {
      iss: fixture.idp.issuer,
      ...{ sub: person.sub, sid: person.sid, aud: CLIENT_ID, jti: randomUUID() },
      ...{ events: EVENTS, iat, exp: iat + 120, ignored_claim: 'to be ignored' },
      ...changes,
    }
    return Object.fromEntries(Object.entries(good).filter(([, value]) => value !== undefined))
  }
  const send = async (token: string) => {
    const body = new URLSearchParams({ logout_token: token }).toString()
    const answer = await fixture.post('/.gatehouse/backchannel_logout/demo', body, FORM)
    t.match(answer.headers['cache-control'], /no-store/)
    return answer.status
  }
  return { ...fixture, signedIn, claims, send }
}

const BACK = 'oidcc-client-test-rp-backchannel-rpinitlogout'

test(BACK, async (t) => {
  const { signedIn, claims, send, sign } = await backchannel(t)
  t.equal(await send(await sign(claims())), 200)
  t.equal(await signedIn.closed, 1008)
  t.equal(await signedIn.status(), 401)
})

test(`${BACK}-alg-none`, async (t) => {
  const { signedIn, claims, send } = await backchannel(t)
  t.equal(await send(new UnsecuredJWT(claims()).encode()), 400)
  t.equal(await signedIn.status(), 200)
})

test(`${BACK}-wrong-alg`, async (t) => {
  const { idp, signedIn, claims, send } = await backchannel(t)
  // Published, listed in the metadata, and not what the provider signs this client's tokens with.
  const other = await newKey('rsa-1', 'rsa')
  idp.keys.published.push(other.jwk)
  const header = { alg: 'RS256', kid: 'rsa-1' }
  const token = await new SignJWT(claims()).setProtectedHeader(header).sign(other.privateKey)
  t.equal(await send(token), 400)
  t.equal(await signedIn.status(), 200)
})

for (const [name, changes] of Object.entries<Json>({
  'no-event': { events: undefined },
  'with-nonce': { nonce: 'a nonce' },
  'wrong-aud': { aud: `${CLIENT_ID}1` },
  'wrong-event': { events: { 'http://schemas.openid.net/event/backchannel-logout-invalid': {} } },
  'wrong-iss': { iss: 'https://other.example/' },
})) {
  test(`${BACK}-${name}`, async (t) => {
    const { signedIn, claims, send, sign } = await backchannel(t)
    t.equal(await send(await sign(claims(changes))), 400)
    t.equal(await signedIn.status(), 200)
  })
}

for (const name of ['opinitlogout', 'rpinitlogout']) {
  test(`oidcc-client-test-rp-frontchannel-${name}`, async (t) => {
    const fixture = await startSignals(t)
    const signedIn = await fixture.signIn(person)
    const query = new URLSearchParams({ iss: fixture.idp.issuer, sid: person.sid })
    const [gateway] = fixture.gateways
    const framed = await gateway?.get(
      `${PUBLIC_URL}/.gatehouse/frontchannel_logout/demo?${query}`,
      { headers: { 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' } },
    )
    t.equal(framed?.status, 200)
    t.match(framed?.headers['cache-control'], /no-store/)
    t.match(framed?.headers['content-security-policy'], `frame-ancestors ${fixture.idp.issuer}`)
    t.equal(await signedIn.status(), 401)
  })
}
