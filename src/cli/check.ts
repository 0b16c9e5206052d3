/** `gatehouse check`: is the config good, and are the policies? Prints every error, then every warning. */

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createInputFiles } from '../config/input-files.ts'
import { inOrder, loadPolicies, loadSnapshot } from '../config/load.ts'
import { DEFAULT_FOLDER, type PolicyRoots, rootsIn, withoutConfig } from '../config/policy-roots.ts'
import { readConfig } from '../config/read-config.ts'
import { untestedWarnings } from '../config/untested.ts'
import type { Route } from '../policy/route.ts'
import type { RouteTable } from '../routing/route-table.ts'
import { hasErrors, type Problem } from '../support/problem.ts'
import type { AddCommand, Io } from './io.ts'
import { counted, printProblems, shownPath } from './print-problems.ts'

/** Where the config is looked for when no `--config` is given. */
export const DEFAULT_CONFIG = 'gatehouse.yaml'

export const addCheck: AddCommand = (program, io, done) => {
  program
    .command('check')
    .summary('validate config and policies')
    .description(
      'Validates the config and its policies. Prints every error, then every warning, as file:line:column: message.',
    )
    .option('--config <file>', `config file (default: ./${DEFAULT_CONFIG})`)
    .argument(
      '[paths...]',
      "policy files or folders (default: the config's `policies`, else ./policies)",
    )
    .addHelpText('after', '\nExit code 0, also with warnings; 2 on any error.')
    .action(async (paths: string[], options: { config?: string }) => {
      done(await check(paths, options.config, io))
    })
}

/** Prints what is wrong; returns the exit code. */
export async function check(
  paths: readonly string[],
  config: string | undefined,
  io: Io,
): Promise<number> {
  const policies = paths.map((path) => resolve(io.cwd, path))
  const configFile = resolve(io.cwd, config ?? DEFAULT_CONFIG)
  if (config === undefined && !(await exists(configFile))) {
    const usual = resolve(io.cwd, DEFAULT_FOLDER)
    if (policies.length > 0) return checkPolicies(policies, io)
    // Where there is neither, it is the config that is missed.
    if (await exists(usual)) return checkPolicies([usual], io)
  }
  const { problems, snapshot } = await loadSnapshot({
    configFile,
    env: io.env,
    now: io.now,
    ...(policies.length === 0 ? {} : { policies }),
  })
  const read = await readConfig(configFile, io.env, createInputFiles())
  const roots = rootsIn(read, configFile, policies.length === 0 ? undefined : policies)
  return report(
    await withUntested(problems, snapshot?.table, roots),
    snapshot?.table,
    configFile,
    io,
  )
}

/** Policies that no config speaks of. */
async function checkPolicies(policies: readonly string[], io: Io): Promise<number> {
  const { problems, table } = await loadPolicies(policies)
  const good = hasErrors(problems) ? undefined : table
  const all = await withUntested(problems, good, withoutConfig(...policies))
  return report(all, good, undefined, io)
}

/** Tests are looked at beside good policies alone. */
async function withUntested(
  problems: readonly Problem[],
  table: RouteTable<Route> | undefined,
  roots: PolicyRoots,
): Promise<readonly Problem[]> {
  if (table === undefined) return problems
  return inOrder([...problems, ...(await untestedWarnings(table, roots, createInputFiles()))])
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

function report(
  problems: readonly Problem[],
  table: RouteTable<Route> | undefined,
  configFile: string | undefined,
  io: Io,
): number {
  printProblems(problems, io)
  const errors = problems.filter((problem) => problem.severity === 'error').length
  const warnings = counted(problems.length - errors, 'warning')
  if (errors > 0) {
    io.stderr(`${counted(errors, 'error')}, ${warnings}\n`)
    return 2
  }
  const what = configFile === undefined ? 'policies' : shownPath(configFile, io.cwd)
  io.stdout(`${what}: good; ${counted(table?.routes.length ?? 0, 'route')}, ${warnings}\n`)
  return 0
}
