/**
 * Gateways are killed again and again while people sign in and out, and while they are refreshed: what they were told
 * holds, nobody is signed out, and nobody is taken for somebody else. Where they are refreshed, access tokens last three
 * seconds, a refresh token works once, and once more for ten seconds.
 */

import { setTimeout as wait } from 'node:timers/promises'
import { t as root, type Test, test } from 'tap'
import { createBrowserClient } from '../support/browser-client.ts'
import { startVictim, underLoad } from '../support/kill-gateway.ts'
import { signIn } from '../support/sign-in.ts'
import { type SpawnedGateway, type SpawnOptions, spawnGateway } from '../support/spawn-gateway.ts'
import { startOkta } from '../support/start-okta.ts'
import { startRedis } from '../support/start-redis.ts'
import { APP, refreshingConfig, refreshingPolicies } from '../support/start-refreshing.ts'
import { startUpstream } from '../support/start-upstream.ts'

const PEOPLE = ['ana', 'ben', 'chris', 'dora']
const SESSIONS = 8
const KILLS = 3

// Gateways that start one after the other take their time on a busy machine.
root.setTimeout(300_000)

interface Signed {
  readonly sub: string
  readonly cookie: string
}

async function signInAll(gateway: SpawnedGateway): Promise<readonly Signed[]> {
  const signed: Signed[] = []
  for (let i = 0; i < SESSIONS; i++) {
    const browser = createBrowserClient(gateway.port)
    const person = PEOPLE[i % PEOPLE.length] as string
    const { status } = await signIn(browser, `${APP}/`, person)
    if (status !== 200) throw new Error(`not signed in: ${status}`)
    signed.push({ sub: `demo-${person}`, cookie: browser.cookieHeader('app.localhost') })
  }
  return signed
}

interface Tally {
  answered: number
  /** The gateway was gone, or could not ask Redis in time. */
  unanswered: number
  readonly wrong: string[]
}

/** One browser that asks one gateway after the other. */
async function visitor(
  { sub, cookie }: Signed,
  gateways: () => readonly SpawnedGateway[],
  tally: Tally,
  stopped: AbortSignal,
): Promise<void> {
  for (let count = 0; !stopped.aborted; count++) {
    const now = gateways()
    const gateway = now[count % now.length]
    try {
      const answer = await gateway?.get(`${APP}/`, { headers: { cookie } })
      if (answer?.status === 200) {
        tally.answered++
        const { headers } = answer.json() as { headers: Record<string, string> }
        if (headers['x-forwarded-user'] !== sub) tally.wrong.push('taken for somebody else')
      } else if (answer?.status === 503) tally.unanswered++
      else tally.wrong.push(`answered with ${answer?.status}`)
    } catch {
      tally.unanswered++
    }
    await wait(100)
  }
}

/** Kills one gateway after the other, and starts another in its place. */
async function killing(t: Test, options: SpawnOptions, gateways: SpawnedGateway[]): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    await wait(3_000 + Math.random() * 1_000)
    const at = kill % gateways.length
    const dying = gateways[at]
    dying?.signal('SIGKILL')
    await dying?.ended
    gateways[at] = await spawnGateway(t, options)
  }
  await wait(4_000)
}

test('gateways are killed in the middle of refreshes', { timeout: 300_000 }, async (t) => {
  const redis = await startRedis(t, { conf: ['appendonly yes'] })
  const okta = await startOkta(t, {
    app: { refreshRotation: { mode: 'ROTATE', leewaySeconds: 10 }, tokenSeconds: 3 },
  })
  let asked = 0
  const { take } = okta.faults
  okta.faults.take = (endpoint) => {
    if (endpoint !== 'token') return take(endpoint)
    asked++
    // Done at once, and answered late: many die with the answer under way.
    return { kind: 'late', ms: 200 }
  }
  const upstream = await startUpstream(t)
  const options: SpawnOptions = {
    policies: refreshingPolicies(upstream.origin),
    config: refreshingConfig(okta, { store: `redis://127.0.0.1:${redis.port}` }),
  }
  const gateways = await Promise.all([spawnGateway(t, options), spawnGateway(t, options)])
  const signed = await signInAll(gateways[0])
  asked = 0
  const tally: Tally = { answered: 0, unanswered: 0, wrong: [] }
  const stop = new AbortController()
  const visits = signed.map((one) => visitor(one, () => gateways, tally, stop.signal))
  await killing(t, options, gateways)
  stop.abort()
  await Promise.all(visits)
  const { answered, unanswered, wrong } = tally
  t.comment(`${answered} answers, ${unanswered} without one, ${asked} refreshes, ${KILLS} kills`)
  t.strictSame(wrong, [], 'nobody is signed out, or taken for somebody else')
  t.equal(okta.vault.reuses(), 0, 'no refresh token was used when it was too late')
  t.ok(answered > 50 && asked > SESSIONS)
})

for (const kind of ['sqlite', 'redis'] as const) {
  const name = `a gateway on ${kind} and its workers are killed in the middle of sign-ins and sign-outs`
  test(name, { timeout: 300_000 }, async (t) => {
    const victim = await startVictim(
      t,
      kind === 'sqlite' ? 'sqlite:sessions.db' : await redisUrl(t),
    )
    await underLoad(t, victim, 3, async () => {
      for (let kill = 0; kill < KILLS; kill++) {
        await wait(2_000 + Math.random() * 1_000)
        await victim.killWorker()
        await wait(2_000 + Math.random() * 1_000)
        await victim.killAll()
      }
      await wait(3_000)
    })
  })
}

async function redisUrl(t: Test): Promise<string> {
  const { port } = await startRedis(t, { conf: ['appendonly yes'] })
  return `redis://127.0.0.1:${port}`
}
