/** What is asked of an OpenID provider with a refresh token, and what is made of its answer. */

import { test } from 'tap'
import type { Refreshed, SignedIn } from '../../src/identity/provider/provider.ts'
import {
  CLIENT_ID,
  DEFAULT_CLAIMS,
  type Faults,
  type Json,
  newKey,
  startFakeProvider,
} from './fake-provider.ts'
import { failureOf, type StartOptions, signIn, startProvider } from './sign-in-helper.ts'

const first = { refresh_token: 'refresh-1', scope: 'openid email groups' }

/** Somebody who has signed in, and then what the provider says is changed by `faults`. */
async function signedIn(t: Parameters<typeof startFakeProvider>[0], options: StartOptions = {}) {
  const fake = await startFakeProvider(t, { tokens: () => first })
  const started = startProvider(t, fake.issuer, options)
  const person = await signIn(started.provider, fake)
  const { tokens: _, ...none } = fake.faults
  Object.assign(fake.faults, { tokens: () => ({}) }, none)
  fake.requests.length = 0
  return { ...started, fake, person }
}

/** The answer, where it is one of new tokens. */
function refreshed(answer: Refreshed): Extract<Refreshed, { kind: 'refreshed' }> {
  if (answer.kind !== 'refreshed') throw new Error(answer.detail)
  return answer
}

test('all that was granted is asked for again, with the refresh token of before', async (t) => {
  const { provider, fake, person, clock } = await signedIn(t)
  t.match(person.tokens, { refreshToken: 'refresh-1', scope: first.scope, receivedAt: clock.time })
  fake.faults.tokens = () => ({ refresh_token: 'refresh-2', access_token: 'access-2' })
  clock.time += 1_000
  const { tokens } = refreshed(await provider.refresh(person.tokens))
  const [asked] = fake.requests.filter(({ path }) => path === '/token')
  t.same(Object.fromEntries(asked?.form ?? []), {
    grant_type: 'refresh_token',
    refresh_token: 'refresh-1',
    scope: 'openid email groups',
  })
  t.match(tokens, {
    accessToken: 'access-2',
    refreshToken: 'refresh-2',
    scope: first.scope,
    accessTokenExpiresAt: clock.time + 3_600_000,
    receivedAt: clock.time,
  })
  t.not(tokens.idToken, person.tokens.idToken)
})

test('a refresh token that is not rotated stays; `openid` is always asked for', async (t) => {
  const { provider, fake, person } = await signedIn(t)
  const before = { ...person.tokens, scope: 'api:read' }
  const { tokens } = refreshed(await provider.refresh(before))
  t.equal(tokens.refreshToken, 'refresh-1')
  t.equal(fake.requests.find(({ path }) => path === '/token')?.form.get('scope'), 'openid api:read')
  const { scope: _, ...unknown } = person.tokens
  await provider.refresh(unknown)
  const last = fake.requests.filter(({ path }) => path === '/token').at(-1)
  t.equal(last?.form.get('scope'), 'openid profile email groups', 'as configured')
})

test('claims are those that the provider sends now, and no others', async (t) => {
  const { provider, fake, person } = await signedIn(t)
  fake.faults.claims = ({ email: _, email_verified: __, ...claims }) => ({
    ...claims,
    groups: ['ops'],
    city: 'Bonn',
  })
  fake.faults.userInfo = { sub: '00u1' }
  const { person: now } = refreshed(await provider.refresh(person.tokens))
  t.equal(now?.email, undefined)
  t.strictSame(now?.groups, { list: [{ name: 'ops' }], complete: true })
  t.match(now?.claims, { city: 'Bonn' })
  t.notOk(Object.hasOwn(now?.claims ?? {}, 'email'))
})

test('what the ID token lacks is asked of UserInfo, as at sign-in', async (t) => {
  const { provider, fake, person } = await signedIn(t)
  fake.faults.claims = ({ groups: _, ...claims }) => claims
  fake.faults.userInfo = { ...DEFAULT_CLAIMS, groups: ['night'] }
  fake.faults.tokens = () => ({ access_token: 'access-2' })
  const { person: now } = refreshed(await provider.refresh(person.tokens))
  t.strictSame(now?.groups, { list: [{ name: 'night' }], complete: true })
  const asked = fake.requests.find(({ path }) => path === '/userinfo')
  t.equal(asked?.headers.authorization, 'Bearer access-2')
})

const unsaid: Record<string, (faults: Faults) => void> = {
  'is away': (faults) => {
    faults.answer = (path) => (path === '/userinfo' ? { status: 503 } : undefined)
  },
  'speaks of somebody else': (faults) => {
    faults.userInfo = { ...DEFAULT_CLAIMS, sub: 'mallory', groups: ['admins'] }
  },
}
for (const [name, harm] of Object.entries(unsaid)) {
  test(`new tokens are kept where UserInfo ${name}; claims are unknown then`, async (t) => {
    const { provider, fake, person, logged } = await signedIn(t)
    fake.faults.claims = ({ groups: _, ...claims }) => claims
    fake.faults.tokens = () => ({ refresh_token: 'refresh-2' })
    harm(fake.faults)
    const { tokens, person: now } = refreshed(await provider.refresh(person.tokens))
    t.equal(tokens.refreshToken, 'refresh-2')
    t.equal(now, undefined)
    t.ok(logged.some(({ level }) => level === 'warn'))
  })
}

test('without a new ID token the claims of the last one stay', async (t) => {
  const { provider, fake, person } = await signedIn(t)
  fake.faults.tokens = () => ({ id_token: undefined, refresh_token: 'refresh-2' })
  const { tokens, person: now } = refreshed(await provider.refresh(person.tokens))
  t.equal(tokens.idToken, person.tokens.idToken)
  t.equal(tokens.refreshToken, 'refresh-2')
  t.match(now, { email: person.email, groups: person.groups })
})

const others: Record<string, readonly [Json, string]> = {
  'another subject': [{ sub: 'mallory' }, 'sub'],
  'fewer audiences': [{ aud: CLIENT_ID }, 'aud'],
}
for (const [name, [claims, claim]] of Object.entries(others)) {
  test(`an ID token with ${name} ends the session`, async (t) => {
    const fake = await startFakeProvider(t, {
      tokens: () => first,
      claims: (good) => ({ ...good, aud: [CLIENT_ID, 'api'], azp: CLIENT_ID }),
    })
    const { provider } = startProvider(t, fake.issuer)
    const person: SignedIn = await signIn(provider, fake)
    fake.faults.claims = (good) => ({ ...good, aud: [CLIENT_ID, 'api'], azp: CLIENT_ID, ...claims })
    t.match(await provider.refresh(person.tokens), { kind: 'ended', detail: `\`${claim}\`` })
  })
}

test('`invalid_grant` ends the session', async (t) => {
  const { provider, fake, person } = await signedIn(t)
  const body = { error: 'invalid_grant', error_description: 'The refresh token is invalid.' }
  fake.faults.answer = (path) => (path === '/token' ? { status: 400, body } : undefined)
  t.match(await provider.refresh(person.tokens), { kind: 'ended', detail: /invalid_grant/ })
})

const failures: Record<string, readonly [(faults: Faults) => unknown, string]> = {
  '500': [(faults) => (faults.answer = at('/token', { status: 500 })), 'unavailable'],
  '429': [(faults) => (faults.answer = at('/token', { status: 429 })), 'unavailable'],
  'no answer': [(faults) => (faults.silent = '/token'), 'unavailable'],
  'a page': [
    (faults) => (faults.answer = at('/token', { body: '<p>Please sign in' })),
    'invalid-answer',
  ],
  'an answer without tokens': [
    (faults) => (faults.answer = at('/token', { body: {} })),
    'invalid-answer',
  ],
  'our own credentials': [
    (faults) => (faults.answer = at('/token', { status: 401, body: { error: 'invalid_client' } })),
    'misconfigured',
  ],
  'an error of another kind': [
    (faults) => (faults.answer = at('/token', { status: 400, body: { error: 'invalid_scope' } })),
    'misconfigured',
  ],
  'an error that nobody knows': [
    (faults) => (faults.answer = at('/token', { status: 400, body: { error: 'invalid_grants' } })),
    'misconfigured',
  ],
  'another issuer': [(faults) => (faults.claims = (c) => ({ ...c, iss: 'x' })), 'invalid-answer'],
  'another client': [(faults) => (faults.claims = (c) => ({ ...c, aud: 'x' })), 'invalid-answer'],
  'a token of the past': [
    (faults) => (faults.claims = (c) => ({ ...c, exp: 1 })),
    'invalid-answer',
  ],
}
for (const [name, [harm, kind]] of Object.entries(failures)) {
  test(`${name} says nothing of the session`, async (t) => {
    const { provider, fake, person } = await signedIn(t, { timeoutMs: 300 })
    harm(fake.faults)
    t.equal((await failureOf(provider.refresh(person.tokens))).kind, kind)
    fake.faults.silent = ''
    Object.assign(fake.faults, { answer: () => undefined, claims: (claims: Json) => claims })
    t.equal((await provider.refresh(person.tokens)).kind, 'refreshed', 'and it works again')
  })
}

test('an ID token under an unknown key is no answer', async (t) => {
  const { provider, fake, person } = await signedIn(t)
  fake.keys.signing = await newKey('key-1')
  t.equal((await failureOf(provider.refresh(person.tokens))).kind, 'invalid-answer')
})

function at(where: string, answer: object): NonNullable<Faults['answer']> {
  return (path) => (path === where ? answer : undefined)
}
