/** A gateway, or its workers, are killed in the middle of a refresh: whoever was signed in stays so. */

import { setTimeout as wait } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { createBrowserClient } from '../support/browser-client.ts'
import { signIn } from '../support/sign-in.ts'
import { type SpawnedGateway, spawnGateway } from '../support/spawn-gateway.ts'
import { startOkta } from '../support/start-okta.ts'
import { startRedis, until } from '../support/start-redis.ts'
import { APP, refreshingConfig, refreshingPolicies } from '../support/start-refreshing.ts'
import { startUpstream, type Upstream } from '../support/start-upstream.ts'

const LATE_MS = 1_500

/** Okta whose refresh tokens work once more for ten seconds, and that counts how often it is asked for tokens. */
async function startRotating(t: Test) {
  const okta = await startOkta(t, {
    app: { refreshRotation: { mode: 'ROTATE', leewaySeconds: 10 }, tokenSeconds: 4 },
  })
  const counted = { asked: 0 }
  const { take } = okta.faults
  okta.faults.take = (endpoint) => {
    if (endpoint === 'token') counted.asked++
    return take(endpoint)
  }
  return { okta, counted }
}

interface Scene {
  readonly dying: SpawnedGateway
  /** Where the session goes on. */
  readonly other: SpawnedGateway
  /** Kills with a refresh under way, and ends when somebody serves again. */
  readonly kill: () => Promise<void>
}

async function killedInMidRefresh(
  t: Test,
  { okta, counted }: Awaited<ReturnType<typeof startRotating>>,
  upstream: Upstream,
  { dying, other, kill }: Scene,
): Promise<void> {
  const browser = createBrowserClient(dying.port)
  t.equal((await signIn(browser, `${APP}/`, 'ana')).status, 200)
  const headers = { cookie: browser.cookieHeader('app.localhost') }
  const old = upstream.last.header('x-token')[0]
  t.equal((await other.get(`${APP}/`, { headers })).status, 200)

  counted.asked = 0
  // Done by the provider, and not yet answered: the stand-in rotates first.
  okta.faults.fail('token', { kind: 'late', ms: LATE_MS }, 1)
  await until(async () => {
    await dying.get(`${APP}/`, { headers })
    return counted.asked === 1
  })
  await wait(LATE_MS / 5)
  await kill()
  await until(async () => {
    const { status } = await other.get(`${APP}/`, { headers })
    t.equal(status, 200, 'nobody is signed out')
    const [token] = upstream.last.header('x-token')
    return token !== undefined && token !== old && counted.asked >= 2
  })
  t.equal(okta.vault.reuses(), 0, 'within the leeway')
}

test('kill -9 of a gateway between the question to the provider and its answer', async (t) => {
  const redis = await startRedis(t, { conf: ['appendonly yes'] })
  const rotating = await startRotating(t)
  const upstream = await startUpstream(t)
  const options = {
    policies: refreshingPolicies(upstream.origin),
    config: refreshingConfig(rotating.okta, { store: `redis://127.0.0.1:${redis.port}` }),
  }
  const [dying, other] = await Promise.all([spawnGateway(t, options), spawnGateway(t, options)])
  await killedInMidRefresh(t, rotating, upstream, {
    dying,
    other,
    kill: async () => {
      dying.signal('SIGKILL')
      await dying.ended
    },
  })
})

test('kill -9 of the workers between the question to the provider and its answer', async (t) => {
  const rotating = await startRotating(t)
  const upstream = await startUpstream(t)
  const gateway = await spawnGateway(t, {
    policies: refreshingPolicies(upstream.origin),
    config: {
      ...refreshingConfig(rotating.okta, { store: 'sqlite:sessions.db' }),
      server: { workers: 2 },
    },
  })
  await killedInMidRefresh(t, rotating, upstream, {
    dying: gateway,
    other: gateway,
    // Both: which of them asks is not to be seen from outside.
    kill: async () => {
      const killed = [...gateway.workers()]
      for (const [, pid] of killed) process.kill(pid, 'SIGKILL')
      await until(async () =>
        killed.every(([number, pid]) => gateway.workers().get(number) !== pid),
      )
    },
  })
})
