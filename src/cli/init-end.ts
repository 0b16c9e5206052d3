/** The end of `gatehouse init`: what `check` and `doctor` say of what was written, and what is left to do, in words. */

import { join } from 'node:path'
import type { Finding } from '../doctor/probe.ts'
import { check, DEFAULT_CONFIG } from './check.ts'
import { doctor } from './doctor.ts'
import { type InitAnswers, registeredUris } from './init-files.ts'
import type { Io } from './io.ts'
import { shownPath } from './print-problems.ts'

/**
 * Prints it. Nothing that is found undoes the files.
 * @param io with the environment that `.env` brings
 * @param tries whether provider and app are tried
 */
export async function lookAt(
  folder: string,
  answers: InitAnswers,
  io: Io,
  tries: boolean,
): Promise<void> {
  const here = { ...io, cwd: folder }
  const findings: Finding[] = []
  io.stdout('\n$ gatehouse check\n')
  await check([], undefined, here)
  if (tries) {
    io.stdout('\n$ gatehouse doctor\n')
    await doctor(join(folder, DEFAULT_CONFIG), here, {}, (finding) => findings.push(finding))
  }
  const enter = shownPath(folder, io.cwd)
  io.stdout(`\nLeft to do:\n${leftToDo(answers, findings, enter === io.cwd ? '' : enter)}`)
}

/** In the order in which it is done best. @param enter the folder, where that is another */
function leftToDo(answers: InitAnswers, findings: readonly Finding[], enter: string): string {
  const { redirect, signOut } = registeredUris(answers)
  const isKnown = findings.some(
    ({ level, what }) => level === 'ok' && what.includes(`the redirect URI ${redirect} is known`),
  )
  const errors = findings.filter(({ level }) => level === 'error')
  const steps = [
    isKnown
      ? `At the provider, in the app with client id ${answers.clientId}, register for sign-out:\n       ${signOut}`
      : `At the provider, in the app with client id ${answers.clientId}, register\n       ${redirect}   as sign-in redirect URI\n       ${signOut}   as sign-out redirect URI`,
    ...errors.map(({ what, advice }) =>
      advice === undefined ? what : `${sentence(advice)}\n       (${what})`,
    ),
    `Start it:\n       ${enter === '' ? '' : `cd ${enter}; `}set -a; . ./.env; set +a; gatehouse serve`,
    `Open ${answers.from}/ and sign in. \`gatehouse test\` runs the policy's tests.`,
  ]
  return steps.map((step, i) => `  ${i + 1}. ${step}\n`).join('')
}

function sentence(advice: string): string {
  return advice.charAt(0).toUpperCase() + advice.slice(1)
}
