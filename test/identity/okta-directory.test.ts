/** Okta as a directory, over the stand-in: each of its faults with the expected answer. */

import { generateKeyPairSync } from 'node:crypto'
import { exportJWK } from 'jose'
import { test } from 'tap'
import { Secret } from '../../src/support/secret.ts'
import { START, startDirectory } from './okta-stand-in.ts'

const MINUTE = 60_000
const namesOf = (answer: { groups: { list: readonly { name?: string }[] } } | undefined) =>
  answer?.groups.list.map(({ name }) => name)

test('groups come with ids and names, the second look from memory', async (t) => {
  const { directory, okta } = await startDirectory(t)
  const first = await directory.look('demo-chris')
  t.same(namesOf(first), ['Everyone', 'platform-engineers', 'data-science'])
  t.ok(first?.groups.spellings.has(okta.world.groupId('data-science')))
  t.equal(directory.look('demo-chris'), first, 'the very same object, without a promise')
  t.equal(okta.apiCalls.length, 2)
})

test('many who ask at once about one person ask once', async (t) => {
  const { directory, okta } = await startDirectory(t)
  const answers = await Promise.all(Array.from({ length: 50 }, () => directory.look('demo-ana')))
  t.equal(new Set(answers).size, 1)
  t.equal(okta.apiCalls.length, 2)
})

test('every page is followed, and no page of another origin', async (t) => {
  const { directory, okta, lines } = await startDirectory(t, { stand: { userGroupsPage: 7 } })
  for (let i = 0; i < 30; i++) okta.world.addToGroup('ana', `group-${i}`)
  t.equal((await directory.look('demo-ana'))?.groups.list.length, 32)
  const foreign = await startDirectory(t, {
    okta,
    with: {
      fetch: async (url, init) => {
        const answer = await fetch(url, init)
        const headers = new Headers(answer.headers)
        headers.set('link', '<https://evil.example/api/v1/next>; rel="next"')
        return new Response(answer.body, { status: answer.status, headers })
      },
    },
  })
  t.equal(await foreign.directory.look('demo-ana'), undefined)
  t.match(foreign.lines[0]?.fields, { detail: /the next page is on another origin/ })
  t.same(lines, [])
})

test('more than a thousand groups are unknown, a thousand are known', async (t) => {
  const { directory, okta } = await startDirectory(t, { stand: { userGroupsPage: 200 } })
  for (let i = 0; i < 998; i++) okta.world.addToGroup('ana', `group-${i}`)
  t.match(await directory.look('demo-ana'), { groups: { complete: true } })
  for (let i = 0; i < 1_001; i++) okta.world.addToGroup('ben', `group-${i}`)
  t.match(await directory.look('demo-ben'), { groups: { complete: false, list: [] } })
})

test('an answer that grows old is asked again in the background, one that is old before it is used', async (t) => {
  const { directory, okta, clock } = await startDirectory(t)
  const first = await directory.look('demo-ana')
  clock.now = START + 4.5 * MINUTE
  okta.world.addToGroup('ana', 'new')
  t.equal(directory.look('demo-ana'), first, 'nobody waits')
  await until(() => directory.look('demo-ana') !== first)
  t.ok(namesOf(await directory.look('demo-ana'))?.includes('new'))
  clock.now += 5 * MINUTE
  okta.world.removeFromGroup('ana', 'new')
  t.notOk(namesOf(await directory.look('demo-ana'))?.includes('new'), 'nothing old is used')
})

const outages = {
  'a server error': { kind: 'status', status: 500 },
  'a web page in place of JSON': { kind: 'html' },
  'JSON that is no list': { kind: 'body', body: '{"status":"ACTIVE"}' },
  'a connection that is cut': { kind: 'cut' },
} as const

for (const [name, fault] of Object.entries(outages)) {
  test(`while there is ${name}, old answers serve, and past max_stale nothing is known`, async (t) => {
    const { directory, okta, clock } = await startDirectory(t)
    const first = await directory.look('demo-ana')
    okta.faults.fail('api', fault)
    for (const minutes of [6, 30, 59]) {
      clock.now = START + minutes * MINUTE
      t.equal(await directory.look('demo-ana'), first, `after ${minutes} minutes`)
    }
    clock.now = START + 60 * MINUTE
    t.equal(await directory.look('demo-ana'), undefined)
    t.equal(await directory.look('demo-ben'), undefined, 'of others nothing was ever known')
  })
}

test('a directory that hangs keeps nobody waiting who has an older answer', async (t) => {
  const { directory, okta, clock } = await startDirectory(t)
  const first = await directory.look('demo-ana')
  okta.faults.fail('api', { kind: 'hang' })
  clock.now = START + 6 * MINUTE
  const began = performance.now()
  t.equal(await directory.look('demo-ana'), first)
  t.ok(performance.now() - began < 5_000)
})

test('after an outage one question goes alone, and no flood comes behind it', async (t) => {
  const { directory, okta, clock, timer } = await startDirectory(t)
  okta.faults.fail('api', { kind: 'status', status: 503 })
  const ids = Array.from({ length: 40 }, (_, i) => `person-${i}`)
  t.same(new Set(await Promise.all(ids.map((id) => directory.look(id)))), new Set([undefined]))
  const during = okta.apiCalls.length
  t.ok(during <= 8, `${during} calls of those that were under way, and then none`)
  await Promise.all(ids.map((id) => directory.look(id)))
  t.equal(okta.apiCalls.length, during, 'nobody asks before the pause is over')
  clock.now += 2 * MINUTE
  okta.faults.clear()
  okta.faults.fail('api', { kind: 'status', status: 503 }, 1)
  await Promise.all(ids.map((id) => directory.look(id)))
  t.equal(okta.apiCalls.length, during + 1, 'the first to ask is the only one')
  clock.now += 2 * MINUTE
  const answers = ids.slice(0, 3).map((id) => directory.look(id))
  timer.tick()
  await Promise.all(answers)
  t.equal(okta.apiCalls.length, during + 4)
})

test('no more than the share of the window is used, and the next one is begun with', async (t) => {
  const { directory, okta, clock, timer } = await startDirectory(t, {
    stand: { rateLimits: { user: 20, other: 20 } },
    config: { rate_limit_share: 50 },
    with: {},
  })
  for (let i = 0; i < 30; i++) {
    okta.world.addUser({ ...person(i), groups: [] })
  }
  const waiting = Array.from({ length: 30 }, (_, i) => directory.look(`u${i}`))
  await until(() => okta.apiCalls.length >= 20)
  await pause()
  t.equal(okta.apiCalls.length, 20, 'ten people, of twenty that Okta would admit')
  t.equal(directory.remaining(), 10)
  clock.now += MINUTE
  timer.tick()
  await until(() => okta.apiCalls.length >= 40)
  clock.now += MINUTE
  timer.tick()
  await Promise.all(waiting)
  t.equal(okta.apiCalls.length, 60)
})

test('after 429 nothing is asked until the window is over, and a little longer', async (t) => {
  const { directory, okta, clock, timer, results } = await startDirectory(t)
  const first = await directory.look('demo-ana')
  okta.faults.fail('api', { kind: 'rate-limited', resetInSeconds: 40 }, 1)
  clock.now += 6 * MINUTE
  t.equal(await directory.look('demo-ana'), first)
  const calls = okta.apiCalls.length
  clock.now += 40_000
  timer.tick()
  t.equal(directory.look('demo-ana'), first, 'at once, and nothing is asked')
  await pause()
  t.equal(okta.apiCalls.length, calls)
  clock.now += 4_000
  timer.tick()
  await until(() => okta.apiCalls.length === calls + 2)
  t.equal(results.filter((result) => result === 'rate_limited').length, 1)
})

test('too many calls at once say nothing of the window', async (t) => {
  const { directory, okta, clock, timer, results } = await startDirectory(t)
  await directory.look('demo-ben')
  okta.faults.fail('api', { kind: 'rate-limited', concurrent: true }, 1)
  const answer = directory.look('demo-ana')
  await until(() => results.includes('rate_limited'))
  clock.now += 3_000
  timer.tick()
  t.ok(namesOf(await answer))
})

test('who is suspended or deactivated is ended, and so is who was known and is deleted', async (t) => {
  const { directory, okta, clock, ended } = await startDirectory(t)
  await directory.look('demo-ana')
  await directory.look('demo-ben')
  okta.world.setStatus('ana', 'DEPROVISIONED')
  okta.world.users.delete('demo-ben')
  clock.now += 6 * MINUTE
  t.match(await directory.look('demo-ana'), { standing: 'ended' })
  t.match(await directory.look('demo-ben'), { standing: 'ended' })
  t.same(ended, ['demo-ana', 'demo-ben'])
  okta.world.setStatus('ana', 'ACTIVE')
  t.match(await directory.look('demo-ana'), { standing: 'good' }, 'an end is not kept')
})

test('who is locked out keeps what they have', async (t) => {
  const { directory, okta } = await startDirectory(t)
  okta.world.setStatus('ana', 'LOCKED_OUT')
  t.match(await directory.look('demo-ana'), { standing: 'good' })
})

test('somebody whom the directory never knew is unknown, and the log says what to look at', async (t) => {
  const { directory, lines, ended } = await startDirectory(t)
  t.equal(await directory.look('somebody-else'), undefined)
  t.match(
    lines[0]?.message,
    /the directory knows nobody of this id: is `directory.url` the organisation/,
  )
  t.same(ended, [])
})

test('a token that is not valid is an error that says what to do, with the id of the call', async (t) => {
  const { directory, okta, lines, results } = await startDirectory(t)
  okta.apiTokens.clear()
  t.equal(await directory.look('demo-ana'), undefined)
  const line = lines.find(({ level }) => level === 'error')
  t.match(
    line?.message,
    /401 E0000011 \(Invalid token provided\): the API token is not valid .* make a new one/,
  )
  t.match(line?.fields, { provider: 'okta', status: 401, okta_request_id: /./ })
  t.notMatch(JSON.stringify(lines), okta.apiToken)
  t.same(results, ['refused'])
})

test('a subject is one segment of the path, whatever stands in it', async (t) => {
  const { directory, okta } = await startDirectory(t)
  await directory.look('../groups')
  t.same(okta.apiCalls, ['/api/v1/users/..%2Fgroups'])
})

test('a token that nobody needs is used once a day', async (t) => {
  const { okta, clock, timer } = await startDirectory(t)
  clock.now += 23 * 60 * MINUTE
  timer.tick()
  clock.now += 61 * MINUTE
  timer.tick()
  timer.tick()
  await until(() => okta.apiCalls.length > 0)
  t.same(okta.apiCalls, ['/api/v1/users/me'])
})

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const PEM = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))

for (const dpop of [true, false]) {
  test(`a service app reads the directory, ${dpop ? 'bound to a key, whose nonce may change' : 'without DPoP'}`, async (t) => {
    const jwk = { ...(await exportJWK(publicKey)), alg: 'RS256', use: 'sig' }
    const { directory, okta, clock } = await startDirectory(t, {
      stand: { serviceApp: { keys: [jwk], dpop } },
      config: {
        api_token: undefined as never,
        service_app: { client_id: '0oa1service', private_key: new Secret(PEM), dpop },
      },
    })
    t.same(namesOf(await directory.look('demo-ana')), ['Everyone', 'platform-engineers'])
    okta.changeDpopNonce()
    clock.now += 61 * MINUTE
    t.same(namesOf(await directory.look('demo-ana')), ['Everyone', 'platform-engineers'])
    await directory.look('demo-ben')
    t.equal(okta.apiCalls.length, 6, 'no call was refused')
  })
}

test('a service app without the scopes, or of an unknown key, is an error that says so', async (t) => {
  const jwk = { ...(await exportJWK(publicKey)), alg: 'RS256', use: 'sig' }
  const service_app = { client_id: '0oa1service', private_key: new Secret(PEM), dpop: true }
  const config = { api_token: undefined as never, service_app }
  const stand = { serviceApp: { keys: [jwk], scopes: ['okta.groups.read'] } }
  const narrow = await startDirectory(t, { stand, config })
  t.equal(await narrow.directory.look('demo-ana'), undefined)
  t.match(JSON.stringify(narrow.lines), /scopes granted to it/)
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
  const foreign = { keys: [{ ...(await exportJWK(other)), alg: 'RS256', use: 'sig' }] }
  const unknown = await startDirectory(t, { stand: { serviceApp: foreign }, config })
  t.equal(await unknown.directory.look('demo-ana'), undefined)
  t.match(JSON.stringify(unknown.lines), /its public key at Okta/)
})

test('what was forgotten is asked anew, also where a question was under way', async (t) => {
  const { directory, okta, clock } = await startDirectory(t)
  const first = await directory.look('demo-ana')
  okta.world.addToGroup('ana', 'new')
  clock.now += 1
  await directory.forget('demo-ana')
  t.ok(namesOf(await directory.look('demo-ana'))?.includes('new'))
  t.not(await directory.look('demo-ana'), first)
  clock.now += 1
  await directory.forgetAll()
  okta.world.removeFromGroup('ana', 'new')
  t.notOk(namesOf(await directory.look('demo-ana'))?.includes('new'))
})

function person(i: number) {
  return {
    id: `u${i}`,
    sub: `u${i}`,
    name: `Person ${i}`,
    preferredUsername: `u${i}`,
    email: `u${i}@example.com`,
    about: '',
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause()
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20))
}

test('a clock that is set back after somebody was forgotten makes nobody be asked about without end', async (t) => {
  const { directory, okta, clock } = await startDirectory(t)
  await directory.look('demo-ana')
  await directory.forget('demo-ana')
  clock.now = START - 10 * MINUTE
  const before = okta.apiCalls.length
  t.match(await directory.look('demo-ana'), { groups: { complete: true } })
  t.equal(okta.apiCalls.length - before, 2)
  await directory.forgetAll()
  clock.now = START - 20 * MINUTE
  t.match(await directory.look('demo-ana'), { groups: { complete: true } })
  t.equal(okta.apiCalls.length - before, 4)
  okta.world.addToGroup('ana', 'late')
  clock.now = START - 40 * MINUTE
  await directory.look('demo-ana')
  t.equal(
    okta.apiCalls.length - before,
    6,
    'an answer from the future is not taken for a fresh one',
  )
})

test('who is forgotten again and again while asked about is unknown, not asked about without end', async (t) => {
  let forget = async () => undefined as unknown
  const { directory, okta, clock } = await startDirectory(t, {
    with: {
      fetch: async (url, init) => {
        const answer = await fetch(url, init)
        clock.now += 1
        await forget()
        return answer
      },
    },
  })
  forget = () => directory.forget('demo-ana')
  t.equal(await directory.look('demo-ana'), undefined)
  t.equal(okta.apiCalls.length, 4, 'once, and once more')
})
