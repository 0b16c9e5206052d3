/** Does what test-tools.mjs has planned, with this machine's rights. */

import { spawnSync } from 'node:child_process'
import { findCommand, planInstallation } from './test-tools.mjs'

/** Installs what is missing, or gives the sentence that tells why not and what to type. */
export function install(missing, who) {
  const plan = planInstallation(
    missing,
    {
      has: (command) => findCommand(command) !== undefined,
      isRoot: process.getuid?.() === 0,
      canSudo: spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0,
    },
    who,
  )
  if (plan.kind === 'tell') return plan.sentence
  if (plan.kind === 'nothing') return undefined
  for (const [command, ...parameters] of plan.commands) {
    const text = [command, ...parameters].join(' ')
    console.error(`> ${text}`)
    const { status } = spawnSync(command, parameters, { stdio: ['ignore', 2, 2] })
    if (status !== 0) return `\`${text}\` failed: mend that, or install by hand`
  }
  return undefined
}
