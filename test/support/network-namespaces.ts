/** Two network namespaces with a cable between them: a pod, and another place of the cluster. Linux, as root. */

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { findCommand } from '../../scripts/test-tools.mjs'

/** Address of the pod; nobody routes it. */
export const POD_ADDRESS = '10.203.113.2'
const OTHER_ADDRESS = '10.203.113.1'

/** Why this machine cannot have them, in words; `undefined` where it can. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux'
  if (process.getuid?.() !== 0) return 'only root makes network namespaces: run it as root'
  for (const [command, name] of [
    ['ip', 'iproute2'],
    ['nft', 'nftables'],
    ['curl', 'curl'],
  ] as const) {
    if (findCommand(command) === undefined) return `\`${command}\` is missing: install ${name}`
  }
  const name = `gatehouse-try-${process.pid}`
  const { status, stderr } = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' })
  if (status !== 0) return `this machine lets nobody make a network namespace: ${stderr.trim()}`
  spawnSync('ip', ['netns', 'delete', name])
  return undefined
}

export interface Namespaces {
  /** Runs `command` in the pod until the test ends, once it has printed `sign`. */
  startInPod(command: readonly string[], sign: string, cwd?: string): Promise<void>
  /** The network policy of the pod: only this TCP port is open to others, as a network plugin enforces it. */
  letInOnly(port: number): void
  /** What curl sees of `http://POD_ADDRESS:port/` from outside: a status, or in words why there is none. */
  askFromOutside(port: number, path: string, host: string): string
  /** The same from within the pod. */
  askFromInside(port: number, path: string): string
}

export function createNamespaces(t: Test): Namespaces {
  const pod = `gatehouse-pod-${process.pid}`
  const outside = `gatehouse-out-${process.pid}`
  const cable = [`gh${process.pid}a`, `gh${process.pid}b`] as const
  for (const name of [pod, outside]) {
    run('ip', ['netns', 'add', name])
    t.teardown(() => void spawnSync('ip', ['netns', 'delete', name]))
    run('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
  }
  const peer = ['type', 'veth', 'peer', 'name', cable[1], 'netns', outside]
  run('ip', ['-n', pod, 'link', 'add', cable[0], ...peer])
  for (const [name, end, address] of [
    [pod, cable[0], POD_ADDRESS],
    [outside, cable[1], OTHER_ADDRESS],
  ] as const) {
    run('ip', ['-n', name, 'address', 'add', `${address}/24`, 'dev', end])
    run('ip', ['-n', name, 'link', 'set', end, 'up'])
  }
  return {
    startInPod: (command, sign, cwd) => startIn(t, pod, command, sign, cwd),
    letInOnly: (port) => run('ip', ['netns', 'exec', pod, 'nft', '-f', '-'], policyFor(port)),
    askFromOutside: (port, path, host) => ask(outside, POD_ADDRESS, port, path, host),
    askFromInside: (port, path) => ask(pod, '127.0.0.1', port, path, 'localhost'),
  }
}

function policyFor(port: number): string {
  return `table inet pod {
  chain input {
    type filter hook input priority 0; policy drop;
    iifname "lo" accept
    ct state established,related accept
    tcp dport ${port} accept
  }
}
`
}

function run(command: string, parameters: readonly string[], input = ''): void {
  const { status, stderr } = spawnSync(command, parameters, { encoding: 'utf8', input })
  if (status !== 0) throw new Error(`${command} ${parameters.join(' ')}: ${stderr}`)
}

async function startIn(
  t: Test,
  namespace: string,
  command: readonly string[],
  sign: string,
  cwd?: string,
): Promise<void> {
  const child = spawn('ip', ['netns', 'exec', namespace, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  })
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let printed = ''
  const seen = new Promise<boolean>((resolve) => {
    const onData = (chunk: Buffer) => {
      printed += chunk.toString()
      if (printed.includes(sign)) resolve(true)
    }
    child.stdout.on('data', onData)
    child.stderr.on('data', onData)
  })
  if (!(await Promise.race([seen, ended.then(() => false)]))) throw new Error(printed)
}

/** Exit codes of curl. */
const WHY_NOT: Readonly<Record<number, string>> = { 7: 'refused', 28: 'no answer' }

function ask(namespace: string, address: string, port: number, path: string, host: string): string {
  const options = ['--silent', '--output', '/dev/null', '--write-out', '%{http_code}']
  const { status, stdout } = spawnSync('ip', [
    ...['netns', 'exec', namespace, 'curl', ...options, '--connect-timeout', '2'],
    ...['--max-time', '20', '--header', `Host: ${host}`, '--header', 'Accept: text/html'],
    `http://${address}:${port}${path}`,
  ])
  return status === 0 ? String(stdout) : (WHY_NOT[status ?? -1] ?? `curl ended with ${status}`)
}
