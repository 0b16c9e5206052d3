import { PassThrough } from 'node:stream'
import { test } from 'tap'
import { createDemoCommand } from '../../src/cli/demo.ts'
import type { Io } from '../../src/cli/io.ts'
import { run } from '../../src/cli/program.ts'
import { startUpstream } from '../support/start-upstream.ts'

/** Runs `gatehouse demo`; `meanwhile` gets what it prints when it runs, and once it is over the demo is told to end. */
async function runDemo(args: readonly string[], meanwhile: (printed: string) => Promise<void>) {
  const out: string[] = []
  const err: string[] = []
  let announced: (text: string) => void = () => undefined
  const announcement = new Promise<string>((resolve) => {
    announced = resolve
  })
  const io: Io = {
    stdout: (text) => {
      out.push(text)
      announced(text)
    },
    stderr: (text) => err.push(text),
    env: {},
    cwd: '/',
    stdin: new PassThrough(),
    now: Date.now,
    isTty: false,
  }
  const command = createDemoCommand(async () => meanwhile(await announcement))
  const exitCode = await run(['demo', ...args], io, { commands: [command] })
  return { exitCode, out: out.join(''), err: err.join('') }
}

test('the demo prints what it serves, serves it, and ends when it is told to', async (t) => {
  let address = ''
  const { exitCode, out } = await runDemo(['--port', '0'], async (printed) => {
    address = /http:\/\/localhost:\d+/.exec(printed)?.[0] ?? ''
    const answer = await fetch(`${address}/.gatehouse/jwks.json`)
    t.equal(answer.status, 200)
  })
  t.equal(exitCode, 0)
  t.match(out, /Ana Ferreira +platform-engineers +hello, hello-health\n/)
  t.match(out, /Ben Okafor +data-science +hello, hello-health, reports\n/)
  t.match(out, /Dóra Kovács +- +hello, hello-health\n/)
  t.match(out, /\(not signed in\) +hello-health\n/)
  await t.rejects(fetch(address), 'nothing listens any more')
})

test('a port in use is one sentence, and exit code 2', async (t) => {
  const { port } = await startUpstream(t)
  const { exitCode, err } = await runDemo(
    ['--port', String(port)],
    async () => void t.fail('it started'),
  )
  t.equal(exitCode, 2)
  t.equal(
    err,
    `port ${port} is taken: end the program that uses it or choose another with npm start -- --port ${port + 10}\n`,
  )
})

for (const port of ['http', '-1', '70000', '1.5']) {
  test(`--port ${port} is refused`, async (t) => {
    const { exitCode, err } = await runDemo(
      [`--port=${port}`],
      async () => void t.fail('it started'),
    )
    t.equal(exitCode, 2)
    t.match(err, 'a port is a number from 1 to 65535')
  })
}
