/** A gateway in processes of its own, as `gatehouse serve` runs it: with workers, signals, and ends of all kinds. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Test } from 'tap'
import {
  type GatewayOptions,
  type RequestOptions,
  readLines,
  sendTo,
  type TestAnswer,
  writeGateway,
} from './start-gateway.ts'
import { checkWhatWasWritten } from './written-secrets.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')

export interface SpawnedGateway {
  readonly port: number
  readonly adminUrl: string
  readonly folder: string
  /** Where the decision log goes with `decisions: stdout`; whoever reads it must read it all. */
  readonly stdout: Readable
  get(url: string, options?: RequestOptions): Promise<TestAnswer>
  writePolicies(policies: GatewayOptions['policies']): void
  /** Lines of stderr so far that are JSON. */
  log(): readonly Record<string, unknown>[]
  /** All of stderr so far. */
  stderr(): string
  /** Lines of the decision log's file so far. */
  decisions(): readonly Record<string, unknown>[]
  /** Process ids of the workers that serve, by their numbers. */
  workers(): ReadonlyMap<number, number>
  /** Value of a metric without labels, or the sum of all its series whose line has `labels`. */
  metric(name: string, labels?: string): Promise<number>
  signal(name: NodeJS.Signals): void
  /** Exit code and signal. */
  readonly ended: Promise<readonly [code: number | null, signal: string | null]>
}

export type SpawnOptions = Omit<GatewayOptions, 'now' | 'kubernetes'> & {
  /** `--kubernetes`, with the cluster of this KUBECONFIG. */
  readonly kubeconfig?: string
  /** In place of a new folder: that of a gateway which has ended. */
  readonly folder?: string
}

/** Starts it and waits until it is ready. */
export async function spawnGateway(t: Test, options: SpawnOptions): Promise<SpawnedGateway> {
  const logging = { level: 'info', ...(options.config?.['logging'] as object | undefined) }
  const written = writeGateway(t, { ...options, config: { ...options.config, logging } })
  const folder = options.folder ?? written.folder
  const { kubeconfig } = options
  let stderr = () => ''
  checkWhatWasWritten(t, folder, () => stderr())
  const spawned =
    kubeconfig === undefined
      ? spawnServe(t, folder, options.env)
      : spawnServe(t, folder, { ...options.env, KUBECONFIG: kubeconfig }, ['--kubernetes'])
  stderr = spawned.stderr
  const ready = await spawned.untilLogged('ready')
  const [port, adminPort] = [portIn(ready, 'listen'), portIn(ready, 'admin')]
  const adminUrl = `http://127.0.0.1:${adminPort}`
  return {
    ...spawned,
    port,
    adminUrl,
    folder,
    get: (url, what) => sendTo(port, url, what),
    writePolicies: written.writePolicies,
    decisions: () => readLines(join(folder, 'decisions.log')),
    workers: () => {
      const serving = spawned.log().filter(({ msg }) => msg === 'a worker serves')
      return new Map(serving.map(({ worker, pid }) => [Number(worker), Number(pid)]))
    },
    metric: async (name, labels = '') => {
      const text = await (await fetch(`${adminUrl}/metrics`)).text()
      const series = text.split('\n').filter((line) => /^[a-z]/.test(line) && line.includes(labels))
      const own = series.filter(
        (line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `),
      )
      return own.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    },
  }
}

/** `gatehouse serve ARGS` in `folder`, whatever becomes of it; `env` comes besides this process's own. */
export function spawnServe(
  t: Test,
  folder: string,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
) {
  const child = spawn(process.execPath, [MAIN, 'serve', ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'close') as Promise<[number | null, string | null]>
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    child.stdout.resume()
    await ended
  })
  const log = () =>
    stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .flatMap(parsed)
  return {
    ended,
    stdout: child.stdout,
    stderr: () => stderr,
    log,
    signal: (name: NodeJS.Signals) => void child.kill(name),
    untilLogged: (message: string) => untilLogged(child, log, () => stderr, message),
  }
}

/** The last line may not be whole yet. */
function parsed(line: string): readonly Record<string, unknown>[] {
  try {
    return [JSON.parse(line) as Record<string, unknown>]
  } catch {
    return []
  }
}

async function untilLogged(
  child: ChildProcess,
  log: SpawnedGateway['log'],
  stderr: () => string,
  message: string,
): Promise<Record<string, unknown>> {
  for (;;) {
    const line = log().find(({ msg }) => msg === message)
    if (line !== undefined) return line
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(stderr())
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function portIn(line: Record<string, unknown>, key: string): number {
  return (line[key] as { readonly port: number }).port
}
