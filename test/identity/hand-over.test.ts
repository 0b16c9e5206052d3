import { test } from 'tap'
import {
  createSessionSeals,
  newHandOverCode,
  readHandOverCode,
} from '../../src/identity/session-seals.ts'
import { ana, context, HOST, OTHER_HOST, secretA, startSessions } from './session-fixture.ts'

test('a hand-over code opens the session on its host, once', async (t) => {
  const { sessions, replica } = startSessions(t)
  const made = await sessions.create(ana, context)
  const code = await sessions.issueHandOver(made, HOST, 'binding')
  t.match(code, /^[A-Za-z0-9_-]{43}$/)
  const other = replica()
  const handed = await other.redeemHandOver(code, HOST, 'binding')
  t.equal(handed?.id, made.id)
  t.equal(await other.redeemHandOver(code, HOST, 'binding'), undefined)
  if (handed === undefined) return undefined
  t.ok(await sessions.open(other.cookieFor(handed, HOST).value, HOST))
  return undefined
})

const wrongRedemptions: Record<
  string,
  { host?: string; binding?: string; afterMs?: number; end?: boolean }
> = {
  'on another host': { host: OTHER_HOST },
  'in another browser': { binding: 'another' },
  'with host and binding shifted': { host: `${HOST}\nb`, binding: 'inding' },
  'after 30 seconds': { afterMs: 30_000 },
  'after the session ended': { end: true },
}
for (const [name, wrong] of Object.entries(wrongRedemptions)) {
  test(`a hand-over code does not open ${name}, and is used up`, async (t) => {
    const { sessions, clock } = startSessions(t)
    const made = await sessions.create(ana, context)
    const code = await sessions.issueHandOver(made, HOST, 'binding')
    clock.time += wrong.afterMs ?? 0
    if (wrong.end) await sessions.end(made)
    const tried = await sessions.redeemHandOver(
      code,
      wrong.host ?? HOST,
      wrong.binding ?? 'binding',
    )
    t.equal(tried, undefined)
    t.equal(await sessions.redeemHandOver(code, HOST, 'binding'), undefined)
  })
}

test('what is no hand-over code is refused without the store', async (t) => {
  const { sessions, calls } = startSessions(t)
  for (const code of [
    '',
    'A',
    'A'.repeat(42),
    'A'.repeat(44),
    `${'A'.repeat(42)}=`,
    `${'A'.repeat(42)}B`,
  ]) {
    t.equal(await sessions.redeemHandOver(code, HOST, 'binding'), undefined, code)
  }
  t.same(calls, [])
})

test('of many who redeem one hand-over code, one gets the session', async (t) => {
  const { sessions } = startSessions(t)
  const made = await sessions.create(ana, context)
  const code = await sessions.issueHandOver(made, HOST, 'binding')
  const got = await Promise.all(
    Array.from({ length: 20 }, () => sessions.redeemHandOver(code, HOST, 'binding')),
  )
  t.equal(got.filter((session) => session !== undefined).length, 1)
})

test('a hand-over code in the store does not tell the session key, even with the secret', async (t) => {
  const { sessions, store } = startSessions(t)
  const made = await sessions.create(ana, context)
  const code = await sessions.issueHandOver(made, HOST, 'binding')
  const real = readHandOverCode(code)
  if (real === undefined) return t.fail('no code')
  const value = await store.takeOnce(real.storeKey)
  const sealed = Buffer.from(value ?? [])
  const seals = createSessionSeals([secretA])
  t.equal(seals.openHandOver(sealed, newHandOverCode(), `${HOST}\nbinding`), undefined)
  t.ok(seals.openHandOver(sealed, real, `${HOST}\nbinding`))
  t.notOk(real.storeKey.includes(code))
  return undefined
})
