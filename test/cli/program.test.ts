/** The command line as a whole: help on every command, and a clear no to what it does not know. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { nodeTooOld } from '../../src/cli/node-version.ts'
import { runCommand } from './run-command.ts'

test('help is printed to stdout, for the program and for each command', async (t) => {
  const { exitCode, stdout, stderr } = await runCommand(['--help'])
  t.strictSame([exitCode, stderr], [0, ''])
  for (const command of ['check', 'diff', 'explain', 'keygen', 'schema', 'test', 'who-can']) {
    t.match(stdout, new RegExp(`^  ${command} `, 'm'))
    const help = await runCommand([command, '--help'])
    t.equal(help.exitCode, 0)
    t.match(help.stdout, new RegExp(`^Usage: gatehouse ${command} `))
  }
})

const bad: Record<string, { args: readonly string[]; says: RegExp }> = {
  'no command': { args: [], says: /^Usage: gatehouse/ },
  'an unknown command': {
    args: ['chekc'],
    says: /unknown command 'chekc'\n\(Did you mean check\?\)/,
  },
  'an unknown option': { args: ['check', '--confg', 'x'], says: /unknown option '--confg'/ },
  'an option without its value': { args: ['check', '--config'], says: /argument missing/ },
  'a missing argument': { args: ['schema'], says: /missing required argument 'kind'/ },
  'an argument too many': { args: ['keygen', 'x'], says: /too many arguments/ },
  'a kind that is none': {
    args: ['schema', 'helm'],
    says: /Allowed choices are config, policy, test/,
  },
}
for (const [name, { args, says }] of Object.entries(bad)) {
  test(`bad usage is said on stderr with exit code 2: ${name}`, async (t) => {
    const { exitCode, stdout, stderr } = await runCommand(args)
    t.strictSame([exitCode, stdout], [2, ''])
    t.match(stderr, says)
  })
}

test('a fault of ours is exit code 1, never mistaken for bad input', async (t) => {
  const { exitCode, stderr } = await runCommand(
    ['broken'],
    {},
    {
      commands: [
        (program) => {
          program.command('broken').action(() => Promise.reject(new Error('out of order')))
        },
      ],
    },
  )
  t.equal(exitCode, 1)
  t.match(stderr, /^gatehouse: Error: out of order/)
})

test('an older Node is told which one is needed, as package.json has it', async (t) => {
  const { engines } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
  )
  t.equal(engines.node, '>=24')
  t.equal(nodeTooOld('20.20.2'), 'this is Node 20.20.2; Node 24 or newer is needed')
  for (const version of ['24.0.0', '26.10.0', '100.0.0']) t.equal(nodeTooOld(version), undefined)
})
