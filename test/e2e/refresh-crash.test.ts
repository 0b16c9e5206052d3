/** A gateway is killed in the middle of a refresh: whoever was signed in stays so, at the others. */

import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { createBrowserClient } from '../support/browser-client.ts'
import { signIn } from '../support/sign-in.ts'
import { spawnGateway } from '../support/spawn-gateway.ts'
import { startOkta } from '../support/start-okta.ts'
import { startRedis, until } from '../support/start-redis.ts'
import { APP, refreshingConfig, refreshingPolicies } from '../support/start-refreshing.ts'
import { startUpstream } from '../support/start-upstream.ts'

test('kill -9 between the question to the provider and its answer', async (t) => {
  const redis = await startRedis(t, { conf: ['appendonly yes'] })
  const okta = await startOkta(t, {
    app: { refreshRotation: { mode: 'ROTATE', leewaySeconds: 10 }, tokenSeconds: 4 },
  })
  let asked = 0
  const { take } = okta.faults
  okta.faults.take = (endpoint) => {
    if (endpoint === 'token') asked++
    return take(endpoint)
  }
  const upstream = await startUpstream(t)
  const options = {
    policies: refreshingPolicies(upstream.origin),
    config: refreshingConfig(okta, { store: `redis://127.0.0.1:${redis.port}` }),
  }
  const [dying, other] = await Promise.all([spawnGateway(t, options), spawnGateway(t, options)])
  const browser = createBrowserClient(dying.port)
  t.equal((await signIn(browser, `${APP}/`, 'ana')).status, 200)
  const headers = { cookie: browser.cookieHeader('app.localhost') }
  const old = upstream.last.header('x-token')[0]
  t.equal((await other.get(`${APP}/`, { headers })).status, 200)

  asked = 0
  // Done by the provider, and not yet answered: the stand-in rotates first.
  okta.faults.fail('token', { kind: 'late', ms: 1_500 }, 1)
  await until(async () => {
    await dying.get(`${APP}/`, { headers })
    return asked === 1
  })
  await wait(300)
  dying.signal('SIGKILL')
  await dying.ended
  await until(async () => {
    const { status } = await other.get(`${APP}/`, { headers })
    t.equal(status, 200, 'nobody is signed out')
    const [token] = upstream.last.header('x-token')
    return token !== undefined && token !== old && asked >= 2
  })
  t.equal(okta.vault.reuses(), 0, 'within the leeway')
})
