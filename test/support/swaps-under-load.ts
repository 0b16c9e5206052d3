/**
 * A gateway whose config is a ConfigMap, and whose policies are a ConfigMap and a git-sync worktree, swapped again and again
 * while requests come at a steady rate.
 */

import { Agent } from 'node:http'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import { mountConfigMap, mountWorktree } from './mounted-files.ts'
import { spawnServe } from './spawn-gateway.ts'
import { sendTo } from './start-gateway.ts'
import { startUpstream } from './start-upstream.ts'
import { tempFolder } from './temp-folder.ts'

export interface SwapsOptions {
  /** How often each of the three is swapped. */
  readonly rounds: number
  /** All three at once in each round, rather than one after the other. */
  readonly together: boolean
  readonly requestsPerSecond: number
  /** Routes besides those that are asked; all of them are read anew at each swap. */
  readonly furtherRoutes: number
}

/** What came of it. */
export interface Swapped {
  /** Milliseconds from each swap until what is new was answered, by what was swapped. */
  readonly liveAfterMs: Readonly<Record<string, readonly number[]>>
  readonly answered: number
  /** Requests that had no answer, or another than they should. */
  readonly failed: readonly string[]
  /** What the gateway took for a mistake in the files. */
  readonly refused: readonly unknown[]
}

const STEADY = 'http://steady.localhost:8080/'
const IN_MAP = 'http://map.localhost:8080/'
const IN_GIT = 'http://git.localhost:8080/'
const REFUSED = 'http://refused.localhost:8080/'

const OPEN = 'allow_public_unauthenticated_access: true'

/** Policies of one route, which tells the version. */
function versionRoute(from: string, version: number): string {
  return `routes:\n  - { from: "${from}", response: { status: 200, body: "${version}" }, ${OPEN} }\n`
}

function furtherRoutes(count: number, upstream: string): string {
  const routes = Array.from(
    { length: count },
    (_, at) =>
      `  - { from: "http://app-${at}.localhost:8080", to: "${upstream}", policy: [{ use: staff }] }\n`,
  )
  return `policies:
  staff: [{ allow: { and: [{ domain: example.com }] } }]
routes:
  - { from: "${STEADY}", to: "${upstream}", ${OPEN} }
  - { from: "${REFUSED}", to: "${upstream}" }
${routes.join('')}`
}

function configText(version: number, folder: string): string {
  return JSON.stringify({
    server: {
      listen: '127.0.0.1:0',
      public_url: 'http://localhost:8080',
      admin_listen: '127.0.0.1:0',
      drain_timeout: '1s',
    },
    providers: { demo: { issuer: 'http://127.0.0.1:9', client_id: 'nobody' } },
    session: { secret: Buffer.alloc(32, 7).toString('base64'), store: 'memory:' },
    brand: { name: `Version ${version}.` },
    logging: { level: 'info', decisions: 'stdout' },
    policies: [join(folder, 'policies'), join(folder, 'git/current/policies')],
  })
}

/** Each of the three, by its name: how it is swapped, and whether a version is live. */
function mountAll(folder: string, upstream: string, further: number) {
  const inMap = (version: number) => ({ 'version.yaml': versionRoute(IN_MAP, version) })
  const inGit = (version: number) => ({
    'policies/version.yaml': versionRoute(IN_GIT, version),
    'policies/further.yaml': furtherRoutes(further, upstream),
  })
  const inConfig = (version: number) => ({ 'gatehouse.yaml': configText(version, folder) })
  const map = mountConfigMap(join(folder, 'policies'), inMap(0))
  const git = mountWorktree(join(folder, 'git/current'), inGit(0))
  const config = mountConfigMap(join(folder, 'config'), inConfig(0))
  const told = async (port: number, url: string) =>
    (await sendTo(port, url, { headers: { accept: 'text/html' } })).body
  return {
    'policies in a ConfigMap': {
      swap: (version: number) => map.swap(inMap(version)),
      isLive: async (port: number, version: number) =>
        (await told(port, IN_MAP)) === String(version),
    },
    'policies in git': {
      swap: (version: number) => git.swap(inGit(version)),
      isLive: async (port: number, version: number) =>
        (await told(port, IN_GIT)) === String(version),
    },
    'the config': {
      swap: (version: number) => config.swap(inConfig(version)),
      isLive: async (port: number, version: number) =>
        (await told(port, REFUSED)).includes(`Version ${version}.`),
    },
  }
}

/** Swaps, each time once what was swapped before is live. */
export async function swapUnderLoad(t: Test, options: SwapsOptions): Promise<Swapped> {
  const upstream = await startUpstream(t, { handler: (_, response) => response.end('app') })
  const folder = tempFolder(t)
  const mounted = mountAll(folder, upstream.origin, options.furtherRoutes)
  const gateway = spawnServe(t, join(folder, 'config'))
  gateway.stdout.resume()
  const { port } = (await gateway.untilLogged('ready'))['listen'] as { port: number }
  const load = startLoad(t, port, options.requestsPerSecond)
  const liveAfterMs: Record<string, number[]> = {}
  for (let version = 1; version <= options.rounds; version++) {
    const all = Object.entries(mounted)
    for (const some of options.together ? [all] : all.map((one) => [one])) {
      const begun = performance.now()
      for (const [, { swap }] of some) swap(version)
      for (const [what, { isLive }] of some) {
        await untilLive(() => isLive(port, version), gateway.stderr)
        liveAfterMs[what] = [...(liveAfterMs[what] ?? []), performance.now() - begun]
      }
    }
  }
  const refused = gateway.log().filter(({ level }) => level === 'error')
  return { liveAfterMs, refused, ...(await load.stop()) }
}

async function untilLive(isLive: () => Promise<boolean>, log: () => string): Promise<void> {
  const begun = performance.now()
  while (!(await isLive())) {
    if (performance.now() - begun > 30_000) throw new Error(`never live: ${log()}`)
    await wait(20)
  }
}

const ASKED = [
  [STEADY, 200],
  [IN_MAP, 200],
  [IN_GIT, 200],
  [REFUSED, 403],
] as const

/** Past it a machine that is too slow for the rate is waited for, rather than buried. */
const MAX_OPEN = 100

/** One request every so often, whether the one before has been answered or not. */
function startLoad(t: Test, port: number, perSecond: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  t.teardown(() => agent.destroy())
  const failed: string[] = []
  const open = new Set<Promise<void>>()
  let answered = 0
  const ask = async (url: string, expected: number): Promise<void> => {
    try {
      const { status } = await sendTo(port, url, { agent })
      answered++
      if (status !== expected) failed.push(`${url}: ${status}`)
    } catch (cause) {
      failed.push(`${url}: ${String(cause)}`)
    }
  }
  const begun = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - begun) / 1_000) * perSecond
    for (; sent < due; sent++) {
      if (open.size >= MAX_OPEN) continue
      const [url, expected] = ASKED[sent % ASKED.length] ?? ASKED[0]
      const one = ask(url, expected).finally(() => open.delete(one))
      open.add(one)
    }
  }, 10)
  t.teardown(() => clearInterval(timer))
  return {
    stop: async () => {
      clearInterval(timer)
      await Promise.all(open)
      return { answered, failed }
    },
  }
}
