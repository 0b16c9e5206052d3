/** Audit events of a real gateway: who came and went, by whose doing, and what administrators and reloads did. */

import { scryptSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@cfworker/json-schema'
import { type Test, test } from 'tap'
import { formatPasswordHash } from '../../src/support/password-hash.ts'
import { type BrowserClient, createBrowserClient } from '../support/browser-client.ts'
import { signIn } from '../support/sign-in.ts'
import { spawnGateway } from '../support/spawn-gateway.ts'
import { PUBLIC_URL, readLines, startGateway } from '../support/start-gateway.ts'
import { startOkta } from '../support/start-okta.ts'
import { until } from '../support/start-redis.ts'

const APP = 'http://app.localhost:8080/'
const HOOK_SECRET = 'a-secret-that-okta-sends-along'
const PASSWORD = 'correct horse battery staple'
const POLICIES = `
routes:
  - { name: app, from: "http://app.localhost:8080", allow_any_authenticated_user: true, response: { body: hello } }
`
const SCHEMA = join(import.meta.dirname, '../../docs/schema/audit-event.schema.json')
const validator = new Validator(JSON.parse(readFileSync(SCHEMA, 'utf8')), '2020-12', false)

const salt = Buffer.alloc(16, 3)
const key = scryptSync(PASSWORD, salt, 32, { N: 2 ** 14, r: 1, p: 1 })
const LOCAL_ADMINS = [
  { name: 'root', password_hash: formatPasswordHash({ logN: 14, r: 1, p: 1, salt, key }) },
]

type Line = Readonly<Record<string, unknown>>

/** What comes into the file while `act` runs, once there are `count` events; each by the schema, and without secrets. */
async function eventsOf(
  t: Test,
  folder: string,
  count: number,
  act: () => Promise<unknown>,
): Promise<readonly Line[]> {
  const file = join(folder, 'audit.log')
  const before = readLines(file).length
  await act()
  await until(async () => readLines(file).length >= before + count)
  const events = readLines(file).slice(before)
  t.equal(events.length, count, JSON.stringify(events))
  for (const event of events) t.strictSame(validator.validate(event).errors, [])
  return events
}

async function start(t: Test) {
  const okta = await startOkta(t, {
    send: ({ url, method, headers, body }) =>
      gateway.get(url, { method, headers, ...(body === undefined ? {} : { body }) }),
  })
  const gateway = await startGateway(t, {
    policies: POLICIES,
    config: {
      providers: {
        okta: {
          issuer: okta.issuer,
          client_id: okta.app.clientId,
          client_secret: okta.app.clientSecret,
          event_hook_secret: HOOK_SECRET,
        },
      },
      session: { max_per_user: 2 },
      local_admins: LOCAL_ADMINS,
    },
  })
  const browser = () => createBrowserClient(gateway.port)
  const events = (count: number, act: () => Promise<unknown>) =>
    eventsOf(t, gateway.folder, count, act)
  const signedIn = async (person = 'ana'): Promise<BrowserClient> => {
    const client = browser()
    const answer = await signIn(client, APP, person)
    t.equal(answer.status, 200)
    return client
  }
  return { okta, gateway, browser, events, signedIn }
}

const postLocal = (password: string) => ({
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams({ name: 'root', password }).toString(),
})

test('every event of a gateway: who, from where, by whom, how it came out', async (t) => {
  const { okta, gateway, browser, events, signedIn } = await start(t)
  const ana = okta.world.user('ana')
  const about = { provider: 'okta', subject: ana.id }
  const signal = (path: string) => `${PUBLIC_URL}/.gatehouse/${path}/okta`

  await t.test('sign-in and sign-out', async (t) => {
    let client = browser()
    const [signedInEvent] = await events(1, async () => {
      client = await signedIn()
    })
    t.match(signedInEvent, {
      time: /^\d{4}-\d\d-\d\dT.*Z$/,
      msg: 'audit',
      version: 1,
      event: 'sign_in',
      outcome: 'success',
      ...about,
      email: 'ana@example.com',
      source_ip: '127.0.0.1',
      request_id: /./,
      session: /^[\w-]{20,}$/,
    })
    const decision = gateway.decisions().find((line) => line['subject'] === ana.id)
    if (decision !== undefined) t.equal(signedInEvent?.['session'], decision['session'])
    const [out] = await events(1, () => client.post(`${APP}.gatehouse/sign_out`))
    t.match(out, {
      event: 'sign_out',
      outcome: 'success',
      by: 'person',
      ...about,
      session: signedInEvent?.['session'],
    })
  })

  await t.test('a sign-in that the provider refuses, and one that it cannot finish', async (t) => {
    const refuse = async (how: () => Promise<unknown>) => (await events(1, how))[0]
    const cancel = async () => {
      const client = browser()
      const picker = await client.follow(APP)
      const asked = picker.way.find(({ url }) => url.includes('/authorize?'))
      const state = new URL(asked?.url ?? '').searchParams.get('state') ?? ''
      await client.visit(
        `${PUBLIC_URL}/oauth2/callback?${new URLSearchParams({ error: 'access_denied', state })}`,
      )
    }
    t.match(await refuse(cancel), { event: 'sign_in', outcome: 'refused', reason: 'denied' })
    okta.faults.fail('token', { kind: 'status', status: 503 })
    t.match(await refuse(() => signIn(browser(), APP, 'ana').catch(() => undefined)), {
      event: 'sign_in',
      outcome: 'failed',
      reason: 'unavailable',
      provider: 'okta',
    })
    okta.faults.clear()
  })

  await t.test('local administrators', async (t) => {
    const post = (password: string) =>
      gateway.get(`${PUBLIC_URL}/.gatehouse/local`, postLocal(password))
    const told = await events(2, async () => {
      await post('wrong')
      await post(PASSWORD)
    })
    t.match(told, [
      {
        event: 'local_sign_in',
        outcome: 'refused',
        name: 'root',
        provider: 'local',
        reason: 'wrong password',
      },
      { event: 'local_sign_in', outcome: 'success', subject: 'local:root', session: /./ },
    ])
  })

  await t.test('ended from outside: by whom, and how many', async (t) => {
    const ended = async (by: string, act: () => Promise<unknown>) => {
      const [, event] = await events(2, async () => {
        await signedIn()
        await act()
      })
      t.match(event, { event: 'session_ended', outcome: 'success', by, sessions: 1, ...about })
    }
    const { signals } = okta
    await ended('security_events', () =>
      signals.securityEvent(signal('security_events'), 'session-revoked', 'ana'),
    )
    const hooked = signals.userEvent('ana', 'user.lifecycle.suspend')
    await ended('event_hook', () =>
      signals.sendEventHook(signal('event_hook'), HOOK_SECRET, [hooked]),
    )
    await ended('global_token_revocation', () =>
      signals.universalLogout(signal('global_token_revocation'), 'ana', 'iss_sub'),
    )
    const refused = await events(3, async () => {
      await signals.sendEventHook(signal('event_hook'), 'wrong', [hooked])
      await signals.universalLogout(signal('global_token_revocation'), 'ana', 'email', {
        claims: { iss: 'https://elsewhere.example.com' },
      })
      await gateway.get(signal('backchannel_logout'), {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'logout_token=nonsense',
      })
    })
    t.match(refused, [
      { event: 'signal_refused', outcome: 'refused', by: 'event_hook', reason: 'secret' },
      { event: 'signal_refused', by: 'global_token_revocation', reason: 'issuer' },
      { event: 'signal_refused', by: 'backchannel_logout', provider: 'okta' },
    ])
  })

  await t.test('one session too many, and a new sign-in in place of another', async (t) => {
    const [, , , surplus] = await events(4, async () => {
      for (let i = 0; i < 3; i++) await signedIn()
    }).then(bySurplusLast)
    t.match(surplus, { event: 'session_ended', by: 'max_per_user', sessions: 1, ...about })
  })

  await t.test('administrators', async (t) => {
    const told = await events(2, async () => {
      await fetch(`${gateway.adminUrl}/sessions?user=ANA@example.com`, { method: 'DELETE' })
      await fetch(`${gateway.adminUrl}/sessions?all=true`, { method: 'DELETE' })
    })
    const admin = { event: 'admin_action', action: 'revoke_sessions', outcome: 'success' }
    t.match(told, [
      { ...admin, named_by: 'user', named: 'ANA@example.com', source_ip: '127.0.0.1' },
      { ...admin, named_by: 'all' },
    ])
    t.notOk('named' in (told[1] ?? {}))
  })

  await t.test(
    'reloads: good, bad, none where nothing has changed or the mistake is the same',
    async (t) => {
      const [bad, good] = await events(2, async () => {
        gateway.writePolicies(POLICIES.replace('response', 'respnse'))
        await gateway.gateway.reload()
        await gateway.gateway.reload()
        gateway.writePolicies(`${POLICIES}# more\n`)
        await gateway.gateway.reload()
        await gateway.gateway.reload()
      })
      t.match(bad, { event: 'config_reload', outcome: 'failed', file: /test\.yaml$/, line: 3 })
      t.match(bad?.['reason'], /respnse/)
      t.match(good, { event: 'config_reload', outcome: 'success', revision: /./ })
      t.not(good?.['revision'], bad?.['revision'])
    },
  )

  const all = readFileSync(join(gateway.folder, 'audit.log'), 'utf8')
  for (const secret of [
    HOOK_SECRET,
    PASSWORD,
    okta.app.clientSecret,
    'eyJ',
    'code=',
    'gatehouse=',
  ]) {
    t.notMatch(all, secret)
  }
})

/** The surplus is told before the sign-in that caused it. */
function bySurplusLast(events: readonly Line[]): readonly Line[] {
  const isSurplus = (event: Line) => event['by'] === 'max_per_user'
  return [...events.filter((event) => !isSurplus(event)), ...events.filter(isSurplus)]
}

test('with workers all events are in the one log, on standard output whole beside the decisions', async (t) => {
  const gateway = await spawnGateway(t, {
    policies: POLICIES.replace(
      'allow_any_authenticated_user',
      'allow_public_unauthenticated_access',
    ),
    config: {
      server: { workers: 2, rate_limits: { local_sign_in: '1000/m' } },
      session: { store: 'sqlite:sessions.db' },
      logging: { decisions: 'stdout', audit: 'stdout' },
      local_admins: LOCAL_ADMINS,
    },
  })
  let stdout = ''
  gateway.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const tries = Array.from({ length: 8 }, () =>
    gateway.get(`${PUBLIC_URL}/.gatehouse/local`, postLocal('wrong')),
  )
  const path = `/${'x'.repeat(10_000)}`
  const visits = Array.from({ length: 40 }, () => gateway.get(`http://app.localhost:8080${path}`))
  await Promise.all([...tries, ...visits])
  await fetch(`${gateway.adminUrl}/sessions?all=true`, { method: 'DELETE' })
  gateway.writePolicies('routes: [')
  gateway.signal('SIGHUP')
  await until(async () => stdout.includes('config_reload'))
  gateway.signal('SIGTERM')
  t.strictSame(await gateway.ended, [0, null])
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  const audit = lines.filter(({ msg }) => msg === 'audit')
  for (const line of audit) t.strictSame(validator.validate(line).errors, [])
  const counts = Object.groupBy(audit, ({ event }) => String(event))
  t.equal(counts['local_sign_in']?.length, 8)
  t.equal(counts['admin_action']?.length, 1)
  const reloads = counts['config_reload'] ?? []
  // The signal makes one; the watch makes another where it had seen the change before.
  t.ok(reloads.length === 1 || reloads.length === 2)
  for (const reload of reloads) t.match(reload, { outcome: 'failed', line: 1 })
  t.equal(lines.length - audit.length, 40)
})
