#!/usr/bin/env node
/** The process: the only file that touches arguments, environment, signals and exit codes. Picks a command, no more. */

// Not by its names: of these an older Node lacks some, and would end with nothing but a stack.
import nodeModule from 'node:module'
import type { AddCommand, Io } from './cli/io.ts'
import { nodeTooOld } from './cli/node-version.ts'
import type { Signals } from './cli/signals.ts'
import type { ParentProcess } from './cli/worker.ts'

const tooOld = nodeTooOld(process.versions.node)
if (tooOld !== undefined) {
  process.stderr.write(`gatehouse: ${tooOld}\n`)
  process.exit(1)
}

// Before anything else is loaded: a later start takes half the time.
nodeModule.enableCompileCache()

const io: Io = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  now: Date.now,
  isTty: process.stdout.isTTY === true,
  isErrTty: process.stderr.isTTY === true,
}

const signals: Signals = {
  on: (signal, listener) => {
    process.on(signal, listener)
    return () => void process.off(signal, listener)
  },
}

/** Who has started this process to speak with it; only workers have one. */
const parent: ParentProcess | undefined = process.send && {
  send: (message, done) => void process.send?.(message, undefined, undefined, done),
  onMessage: (listener) => void process.on('message', listener),
  disconnect: () => process.disconnect?.(),
}

// `gatehouse schema config | head` closes the pipe early, and that is no fault.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EPIPE') throw cause
    process.exit(0)
  })
}

/** Commands that may be meant without the demo. */
const WITHOUT_DEMO: ReadonlySet<string> = new Set(
  'serve worker check test explain diff who-can import init sessions keygen hash-password schema'.split(
    ' ',
  ),
)

/** What lives until a signal. The demo brings an identity provider along, and only who may mean it waits for that. */
async function serverCommands(named: string | undefined): Promise<readonly AddCommand[]> {
  const { createServeCommand } = await import('./cli/serve.ts')
  const { createWorkerCommand, WORKER_COMMAND } = await import('./cli/worker.ts')
  const serve = createServeCommand(signals, {
    file: import.meta.filename,
    args: [WORKER_COMMAND],
    execArgv: process.execArgv,
  })
  if (named === WORKER_COMMAND) return [createWorkerCommand(signals, parent)]
  if (named !== undefined && WITHOUT_DEMO.has(named)) return [serve]
  const { createDemoCommand } = await import('./cli/demo.ts')
  const { firstStop } = await import('./cli/signals.ts')
  return [serve, createDemoCommand(() => firstStop(signals))]
}

const { run } = await import('./cli/program.ts')
const args = process.argv.slice(2)
process.exitCode = await run(args, io, {
  commands: await serverCommands(args[0]),
  alone: args[0] === 'serve' || args[0] === 'worker',
})
// Everything has been closed. What is still open after a moment must not keep the process.
setTimeout(() => process.exit(), 1_000).unref()
