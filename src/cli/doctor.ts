/** `gatehouse doctor`: tries everything that the config depends on; says what is wrong and what to do. */

import { resolve } from 'node:path'
import { loadSnapshot } from '../config/load.ts'
import type { Finding, ProbeContext } from '../doctor/probe.ts'
import { DEFAULT_CONFIG } from './check.ts'
import type { AddCommand, Io } from './io.ts'
import { counted, printErrors, shownPath } from './print-problems.ts'

interface Options {
  readonly config?: string
  readonly probeAssertion?: string
  readonly probePath?: string
}

const HELP = `
--probe-assertion sends the app behind a route requests as the gateway does: one with a good assertion, and others without one, unsigned,
signed by others, expired, of another issuer, for another app. An app that accepts one of these does not verify who asks.

Exit code 0, also with warnings; 1 when a finding is an error, 2 on a bad config.`

export const addDoctor: AddCommand = (program, io, done) => {
  program
    .command('doctor')
    .summary('try everything that the config depends on')
    .description(
      'Tries everything that the config depends on: certificates, session store, providers, directories, upstreams, the proxy in front, clocks. Nobody is signed in and nothing is changed.',
    )
    .option('--config <file>', `config file (default: ./${DEFAULT_CONFIG})`)
    .option(
      '--probe-assertion <route>',
      'only this: does the app behind the route verify who asks?',
    )
    .option('--probe-path <path>', 'what to ask that app for (default: the beginning of the route)')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      done(await doctor(resolve(io.cwd, options.config ?? DEFAULT_CONFIG), io, options))
    })
}

/** Prints what it finds; returns the exit code. @param onFinding told of each finding too */
export async function doctor(
  configFile: string,
  io: Io,
  options: Options = {},
  onFinding: (finding: Finding) => void = () => undefined,
): Promise<number> {
  const { env, now } = io
  const { snapshot, problems } = await loadSnapshot({ configFile, env, now })
  if (snapshot === undefined) return printErrors(problems, io)
  // What it takes to speak with providers is loaded here, so that the other commands start without it.
  const { openProbeContext } = await import('../doctor/context.ts')
  const context = openProbeContext(snapshot, { env, now })
  const counts = { ok: 0, warning: 0, error: 0 }
  try {
    const findings = await findingsOf(context, options)
    if (typeof findings === 'string') {
      io.stderr(`gatehouse: ${findings}\n`)
      return 2
    }
    const warnings =
      problems.length === 0 ? '' : `, ${counted(problems.length, 'warning')} by \`check\``
    io.stdout(
      `ok       config: good; ${counted(snapshot.table.routes.length, 'route')}${warnings}\n`,
    )
    for await (const finding of findings) {
      counts[finding.level]++
      onFinding(finding)
      io.stdout(findingText(finding, configFile, io))
    }
  } finally {
    context.close()
  }
  io.stdout(`${counted(counts.error, 'error')}, ${counted(counts.warning, 'warning')}\n`)
  return counts.error > 0 ? 1 : 0
}

/** A text says why nothing can be tried. */
async function findingsOf(
  context: ProbeContext,
  { probeAssertion: name, probePath }: Options,
): Promise<AsyncIterable<Finding> | Iterable<Finding> | string> {
  if (name === undefined) {
    const { examine } = await import('../doctor/probes.ts')
    return examine(context)
  }
  const { probeAssertion, routeToProbe } = await import('../doctor/assertion-probe.ts')
  const route = routeToProbe(context.snapshot, name)
  return typeof route === 'string' ? route : probeAssertion(route, probePath, context)
}

function findingText({ level, what, advice, where, at }: Finding, file: string, io: Io): string {
  const lines = [`${level.padEnd(7)}  ${what}`]
  if (advice !== undefined) lines.push(`         do: ${advice}`)
  if (where !== undefined) lines.push(`         in: ${shownPath(file, io.cwd)}, ${where}`)
  if (at !== undefined) lines.push(`         in: ${shownPath(at.file, io.cwd)}:${at.line}`)
  return `${lines.join('\n')}\n`
}
