/** The policy language by itself: what a decision costs, what compiling costs, and how long a million logged requests take. */

import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench, BenchPart } from '../part.ts'
import { routesText } from '../policies.ts'
import { TESTED_CORE } from '../processes.ts'

const PROGRAMS = join(import.meta.dirname, '../programs')

const ROUTES = 10_000
const FILES = 500

export const part: BenchPart = {
  about: 'decisions, compiling 10,000 routes, diff over a log; settings lines',
  run: async (bench) => {
    decisions(bench)
    compiling(bench)
    comparing(bench)
  },
}

function decisions(bench: Bench): void {
  bench.progress('decisions')
  const flags = ['--expose-gc', '--max-semi-space-size=64']
  bench.print(run([...flags, join(PROGRAMS, 'decide.ts')]))
}

function compiling(bench: Bench): void {
  const one = join(bench.folder, 'one')
  const many = join(bench.folder, 'many')
  mkdirSync(one)
  mkdirSync(many)
  writeFileSync(join(one, 'routes.yaml'), routesText(0, ROUTES))
  for (let i = 0; i < FILES; i++) {
    const size = ROUTES / FILES
    writeFileSync(join(many, `routes-${i}.yaml`), routesText(i * size, size))
  }
  bench.print(
    `\n| compiling ${ROUTES} routes in a fresh process | CPU s | wall s | peak MB | before MB |`,
  )
  bench.print('|---|---|---|---|---|')
  for (const [name, folder] of Object.entries({ 'one file': one, [`${FILES} files`]: many })) {
    bench.progress(`compiles ${name}`)
    bench.print(`| ${name} | ${run([join(PROGRAMS, 'compile.ts'), folder])} |`)
  }
}

/** A log of requests for the routes of two folders, of which the second lets other people in here and there. */
function comparing(bench: Bench): void {
  const lines = Number(bench.settings.get('lines') ?? 1_000_000)
  const routes = 100
  const before = join(bench.folder, 'before')
  const after = join(bench.folder, 'after')
  const log = join(bench.folder, 'decisions.ndjson')
  for (const folder of [before, after]) mkdirSync(folder)
  const text = routesText(0, routes)
  writeFileSync(join(before, 'routes.yaml'), text)
  writeFileSync(join(after, 'routes.yaml'), text.replace('team-7 ', 'team-8 '))
  writeLog(log, lines, routes)
  bench.progress(`compares ${lines} lines`)
  const command = ['diff', '--base', before, after, '--requests', log, '--format', 'json']
  const seconds = run([join(PROGRAMS, 'command.ts'), ...command])
  bench.print(`\n\`diff --requests\` with ${lines} lines: ${seconds} s of CPU`)
}

function writeLog(file: string, lines: number, routes: number): void {
  const out = openSync(file, 'w')
  for (let from = 0; from < lines; from += 10_000) {
    const some = Array.from({ length: Math.min(10_000, lines - from) }, (_, i) =>
      logLine(from + i, routes),
    )
    writeSync(out, `${some.join('\n')}\n`)
  }
  closeSync(out)
}

function logLine(i: number, routes: number): string {
  const n = i % routes
  return JSON.stringify({
    time: new Date(1_772_442_000_000 + i * 10).toISOString(),
    level: 'info',
    msg: 'request',
    request_id: `r${i}`,
    method: i % 5 === 0 ? 'POST' : 'GET',
    host: `app-${n}.example.com`,
    path: `/d/${i % 1000}`,
    route: `app-${n}`,
    source_ip: '192.0.2.10',
    sub: `u${i % 5000}`,
    email: `u${i % 5000}@example.com`,
    provider: 'okta',
    groups: [`team-${n}`],
    outcome: 'allow',
    reason: 'allowed',
    rule: `app-${n}[0]`,
    status: 200,
  })
}

/** Runs a program of Node on one core and returns what it printed. */
function run(args: readonly string[]): string {
  const command = ['-c', String(TESTED_CORE), process.execPath, ...args]
  const { status, stdout, stderr } = spawnSync('taskset', command, {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}:\n${stderr}`)
  return stdout.trimEnd()
}
