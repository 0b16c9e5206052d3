/** First step of `npm test`: what the tests need from the system is there, or is installed, or the run ends here. */

import { spawnSync } from 'node:child_process'
import { findCommand, findTool, planInstallation, TEST_TOOLS } from './test-tools.mjs'

const missingTools = () => TEST_TOOLS.filter((tool) => findTool(tool.name) === undefined)

const plan = planInstallation(missingTools(), {
  has: (command) => findCommand(command) !== undefined,
  isRoot: process.getuid?.() === 0,
  canSudo: spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0,
})

if (plan.kind === 'tell') fail(plan.sentence)
if (plan.kind === 'run') {
  for (const [command, ...parameters] of plan.commands) {
    console.error(`> ${[command, ...parameters].join(' ')}`)
    const { status } = spawnSync(command, parameters, { stdio: ['ignore', 2, 2] })
    if (status !== 0)
      fail(`\`${[command, ...parameters].join(' ')}\` failed: mend that, or install by hand`)
  }
  const still = missingTools()
  if (still.length > 0)
    fail(`installed, but not found: ${still.map((tool) => tool.name).join(', ')}`)
}

function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}
