import { type Test, test } from 'tap'
import type { LogEvent, Signal } from '../../src/demo/okta/signals.ts'
import { createBrowserClient } from '../support/browser-client.ts'
import { signIn } from '../support/sign-in.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startOkta } from '../support/start-okta.ts'
import { startUpstream } from '../support/start-upstream.ts'

const APP = 'http://app.localhost:8080/'
const HOOK = 'http://localhost:8080/.gatehouse/event_hook/demo'
const SECRET = 'a-secret-that-okta-sends-along'

async function start(t: Test) {
  const upstream = await startUpstream(t)
  let deliver: (signal: Signal) => Promise<{ status: number; body: string }>
  const okta = await startOkta(t, { send: (signal) => deliver(signal) })
  const gateway = await startGateway(t, {
    policies: `
routes:
  - name: engineers
    from: http://app.localhost:8080
    to: ${upstream.origin}
    policy: [{ allow: { or: [{ groups: platform-engineers }] } }]
`,
    config: {
      providers: {
        demo: {
          issuer: okta.defaultIssuer,
          client_id: okta.app.clientId,
          client_secret: okta.app.clientSecret,
          event_hook_secret: SECRET,
          directory: { kind: 'okta', url: okta.org, api_token: okta.apiToken },
        },
      },
    },
  })
  deliver = ({ url, method, headers, body }) =>
    gateway.get(url, { method, headers, ...(body === undefined ? {} : { body }) })
  const browser = createBrowserClient(gateway.port)
  const send = (events: readonly LogEvent[], secret = SECRET) =>
    okta.signals.sendEventHook(HOOK, secret, events)
  return { okta, gateway, browser, send }
}

test('the challenge comes back', async (t) => {
  const { okta } = await start(t)
  const answer = await okta.signals.verifyEventHook(HOOK, SECRET, 'say "this"')
  t.equal(answer.status, 200)
  t.same(JSON.parse(answer.body), { verification: 'say "this"' })
})

test('a changed membership is known at once, in both directions', async (t) => {
  const { okta, browser, send } = await start(t)
  t.equal((await signIn(browser, APP, 'ana')).status, 200)
  okta.world.removeFromGroup('ana', 'platform-engineers')
  t.equal((await browser.visit(APP)).status, 200, 'nothing has been told yet')
  const removed = okta.signals.membershipEvent('ana', 'platform-engineers', 'remove')
  t.equal((await send([removed])).status, 204)
  t.equal((await browser.visit(APP)).status, 403)
  okta.world.addToGroup('ana', 'platform-engineers')
  await send([okta.signals.membershipEvent('ana', 'platform-engineers', 'add')])
  t.equal((await browser.visit(APP)).status, 200)
})

test('whoever is suspended loses the session; the same event does not end the next one', async (t) => {
  const { okta, browser, send } = await start(t)
  t.equal((await signIn(browser, APP, 'ana')).status, 200)
  const suspended = okta.signals.userEvent('ana', 'user.lifecycle.suspend')
  t.equal((await send([suspended])).status, 204)
  t.equal((await browser.visit(APP)).status, 302)
  const back = await browser.follow(APP)
  t.equal(back.status, 200, 'signed in again, since Okta lets them')
  t.equal((await send([suspended])).status, 204, 'Okta tries twice')
  t.equal((await browser.visit(APP)).status, 200)
  await send([okta.signals.userEvent('ben', 'user.lifecycle.deactivate')])
  t.equal((await browser.visit(APP)).status, 200, 'nobody else is meant')
})

test('whoever is no longer assigned to this app loses the session, to another app not', async (t) => {
  const { okta, browser, send } = await start(t)
  t.equal((await signIn(browser, APP, 'ana')).status, 200)
  const unassigned = (id: string) => {
    const event = okta.signals.userEvent('ana', 'application.user_membership.remove')
    return { ...event, target: [...event.target, { id, type: 'AppInstance' }] }
  }
  await send([unassigned('0oaAnother')])
  t.equal((await browser.visit(APP)).status, 200)
  await send([unassigned(okta.app.clientId)])
  t.equal((await browser.visit(APP)).status, 302)
})

test('a wrong secret, no secret and bodies that are no events change nothing', async (t) => {
  const { okta, browser, send, gateway } = await start(t)
  t.equal((await signIn(browser, APP, 'ana')).status, 200)
  const suspended = okta.signals.userEvent('ana', 'user.lifecycle.suspend')
  for (const secret of ['wrong', '', SECRET.slice(1), `Bearer ${SECRET}`]) {
    t.equal((await send([suspended], secret)).status, 401, secret)
  }
  const headers = { authorization: SECRET, 'content-type': 'application/json' }
  for (const body of ['', '{', '[]', '{"data":{}}', '{"data":{"events":{}}}']) {
    t.equal((await gateway.get(HOOK, { method: 'POST', headers, body })).status, 400, body)
  }
  const odd = '{"data":{"events":[7,{"uuid":1},{"uuid":"a","eventType":"user.lifecycle.suspend"}]}}'
  t.equal((await gateway.get(HOOK, { method: 'POST', headers, body: odd })).status, 204)
  const other = HOOK.replace('/demo', '/nobody')
  t.equal((await gateway.get(other, { method: 'POST', headers, body: odd })).status, 404)
  t.equal((await gateway.get(HOOK, { headers })).status, 400, 'a challenge that is none')
})
