/** The people of the policy tests, read from beside the policies when somebody looks. */

import { dirname } from 'node:path'
import type { TestPeople } from '../admin/operator/operator-parts.ts'
import { createInputFiles } from '../config/input-files.ts'
import { configuredRoots, withoutConfig } from '../config/policy-roots.ts'
import { loadSubjects } from '../config/policy-set.ts'
import { NO_SUBJECTS } from '../policy/suite/subjects.ts'
import { hasErrors } from '../support/problem.ts'
import type { GatewayOptions } from './gateway.ts'

/** Nothing of it is kept: it decides nothing, and whoever looks wants what is there now. */
export async function loadTestPeople({
  configFile,
  env,
  overrides,
}: Pick<GatewayOptions, 'configFile' | 'env' | 'overrides'>): Promise<TestPeople> {
  const files = createInputFiles()
  if (overrides?.policies !== undefined) {
    return loadSubjects(withoutConfig(...overrides.policies), files)
  }
  const cwd = dirname(configFile)
  const { set, problems } = await configuredRoots({ cwd, env, configFile, files })
  if (hasErrors(problems)) return { subjects: NO_SUBJECTS, problems }
  return loadSubjects(set, files)
}
