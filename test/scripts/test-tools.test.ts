import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import {
  findCommand,
  findTool,
  type Installation,
  planInstallation,
  TEST_TOOLS,
} from '../../scripts/test-tools.mjs'
import { tempFolder } from '../support/temp-folder.ts'

const machine = (has: readonly string[], rights: { isRoot?: boolean; canSudo?: boolean } = {}) => ({
  has: (command: string) => has.includes(command),
  isRoot: rights.isRoot ?? false,
  canSudo: rights.canSudo ?? false,
})

const commandsOf = (plan: Installation) => (plan.kind === 'run' ? plan.commands : [])
const sentenceOf = (plan: Installation) => (plan.kind === 'tell' ? plan.sentence : '')

test('a command is found on PATH, and only where it can be run', (t) => {
  const folder = tempFolder(t, { 'some-tool': '#!/bin/sh\n', 'not-a-tool': 'text' })
  chmodSync(`${folder}/some-tool`, 0o755)
  chmodSync(`${folder}/not-a-tool`, 0o644)
  t.equal(findCommand('some-tool', `/nowhere:${folder}`), `${folder}/some-tool`)
  t.equal(findCommand('not-a-tool', folder), undefined)
  t.equal(findCommand('some-tool', ''), undefined)
  t.end()
})

test('a tool is found by any of its names', (t) => {
  const folder = tempFolder(t, { 'google-chrome': '#!/bin/sh\n' })
  chmodSync(`${folder}/google-chrome`, 0o755)
  t.match(findTool('chromium', folder), /chrom/)
  t.throws(() => findTool('telnet'), /need no tool `telnet`/)
  t.end()
})

test('nothing is done where nothing is missing', (t) => {
  t.same(planInstallation([], machine(['apt-get'], { isRoot: true })), { kind: 'nothing' })
  t.end()
})

test('root installs with apt-get after updating its lists', (t) => {
  const plan = planInstallation(TEST_TOOLS, machine(['apt-get'], { isRoot: true }))
  const env = 'env DEBIAN_FRONTEND=noninteractive apt-get -q'
  t.same(
    commandsOf(plan).map((command) => command.join(' ')),
    [
      `${env} update`,
      `${env} install -y --no-install-recommends nginx chromium redis-server caddy curl nghttp2-client`,
    ],
  )
  t.end()
})

test('who may use sudo without a password installs with it', (t) => {
  const plan = planInstallation(TEST_TOOLS.slice(0, 1), machine(['apt-get'], { canSudo: true }))
  for (const command of commandsOf(plan)) t.same(command.slice(0, 3), ['sudo', '-n', 'env'])
  t.end()
})

test('who may not is told the one command to type', (t) => {
  const plan = planInstallation(TEST_TOOLS, machine(['apt-get']))
  t.match(
    sentenceOf(plan),
    'sudo apt-get update && sudo apt-get install -y nginx chromium redis-server caddy curl nghttp2-client',
  )
  t.end()
})

test('brew installs one by one', (t) => {
  const plan = planInstallation(TEST_TOOLS, machine(['brew']))
  t.same(commandsOf(plan)[0], ['brew', 'install', 'nginx'])
  t.end()
})

test('without a package manager the tools are named', (t) => {
  const plan = planInstallation(TEST_TOOLS, machine([]))
  t.match(sentenceOf(plan), /nginx and chromium and redis-server and caddy and curl and nghttp/)
  t.end()
})

test('Helm is a program, and not the folder of the chart', (t) => {
  const folder = tempFolder(t, {})
  const ask = `import('./scripts/helm-tool.mjs').then(({ findHelm }) => console.log(findHelm()))`
  const { stdout } = spawnSync(process.execPath, ['-e', ask], {
    cwd: join(import.meta.dirname, '..', '..'),
    env: { HOME: folder, PATH: folder },
    encoding: 'utf8',
  })
  t.match(stdout, /^(undefined|\/.*)\n$/)
  t.end()
})
