/** The policies that a command looks at when no path is named: those of the config, else of ./policies. */

import { createInputFiles } from '../config/input-files.ts'
import { configuredRoots } from '../config/policy-roots.ts'
import { loadPolicySet, type PolicySet } from '../config/policy-set.ts'
import { hasErrors } from '../support/problem.ts'
import { configFileFor } from './config-option.ts'
import type { Io } from './io.ts'
import { printErrors } from './print-problems.ts'

/** Where they cannot be relied on, the errors are printed, and the exit code for that is returned. */
export async function configuredPolicies(
  configOption: string | undefined,
  io: Io,
): Promise<PolicySet | 2> {
  const files = createInputFiles()
  const configFile = await configFileFor(configOption, io, files)
  const { set, problems } = await configuredRoots({ cwd: io.cwd, env: io.env, configFile, files })
  if (hasErrors(problems)) return printErrors(problems, io)
  const policies = await loadPolicySet(set, files)
  return hasErrors(policies.problems) ? printErrors(policies.problems, io) : policies
}
