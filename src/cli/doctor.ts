/** `gatehouse doctor`: tries everything that the config depends on; says what is wrong and what to do. */

import { resolve } from 'node:path'
import { loadSnapshot } from '../config/load.ts'
import type { Finding } from '../doctor/probe.ts'
import { DEFAULT_CONFIG } from './check.ts'
import type { AddCommand, Io } from './io.ts'
import { counted, printErrors, shownPath } from './print-problems.ts'

export const addDoctor: AddCommand = (program, io, done) => {
  program
    .command('doctor')
    .summary('try everything that the config depends on')
    .description(
      'Tries everything that the config depends on: providers, credentials, redirect URIs, directories. Nobody is signed in and nothing is changed.',
    )
    .option('--config <file>', `config file (default: ./${DEFAULT_CONFIG})`)
    .addHelpText(
      'after',
      '\nExit code 0, also with warnings; 1 when a finding is an error, 2 on a bad config.',
    )
    .action(async ({ config }: { config?: string }) => {
      done(await doctor(resolve(io.cwd, config ?? DEFAULT_CONFIG), io))
    })
}

async function doctor(configFile: string, io: Io): Promise<number> {
  const { env, now } = io
  const { snapshot, problems } = await loadSnapshot({ configFile, env, now })
  if (snapshot === undefined) return printErrors(problems, io)
  // What it takes to speak with providers is loaded here, so that the other commands start without it.
  const { openProbeContext } = await import('../doctor/context.ts')
  const { examine } = await import('../doctor/probes.ts')
  const context = openProbeContext(snapshot, { env, now })
  const counts = { ok: 0, warning: 0, error: 0 }
  try {
    for await (const finding of examine(context)) {
      counts[finding.level]++
      io.stdout(findingText(finding, shownPath(configFile, io.cwd)))
    }
  } finally {
    context.close()
  }
  io.stdout(`${counted(counts.error, 'error')}, ${counted(counts.warning, 'warning')}\n`)
  return counts.error > 0 ? 1 : 0
}

function findingText({ level, what, advice, where }: Finding, file: string): string {
  const lines = [`${level.padEnd(7)}  ${what}`]
  if (advice !== undefined) lines.push(`         do: ${advice}`)
  if (where !== undefined) lines.push(`         in: ${file}, ${where}`)
  return `${lines.join('\n')}\n`
}
