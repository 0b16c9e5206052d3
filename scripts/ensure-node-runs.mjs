/**
 * Last step of `npm ci`: the Node that came with it runs here. On a bare system it lacks one shared library; then that is
 * installed, or the user is told what to type. Runs on the Node that npm runs on.
 */

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { install } from './run-installation.mjs'

const NODE = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
const LIBATOMIC = { name: 'libatomic', commands: [], apt: 'libatomic1', brew: 'gcc' }

const tryNode = () => spawnSync(NODE, ['--version'], { encoding: 'utf8' })

let tried = tryNode()
if (tried.status !== 0 && tried.stderr?.includes('libatomic')) {
  const whyNot = install([LIBATOMIC], 'Node 26 needs')
  if (whyNot !== undefined) fail(whyNot)
  tried = tryNode()
}
if (tried.status !== 0) {
  fail(
    `the Node that this project brings along does not run here: ${tried.error?.message ?? tried.stderr}`,
  )
}

function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}
