/** Policies, people and a test file, each as text, judged as `gatehouse test` judges them. */

import { compilePolicies } from '../../src/policy/compile.ts'
import { readSubjects } from '../../src/policy/suite/subjects.ts'
import { runSuites, type SuiteReport } from '../../src/policy/suite/suite.ts'
import { readSuite } from '../../src/policy/suite/suite-file.ts'
import { hasErrors } from '../../src/support/problem.ts'
import { readYaml } from '../../src/support/yaml-document.ts'

export const POLICIES = `
policies:
  engineering:
    - allow: { or: [{ groups: platform-engineers }, { groups: ops }] }
routes:
  - name: grafana
    from: https://grafana.example.com
    to: http://127.0.0.1:3000
    policy:
      - use: engineering
      - deny: { or: [{ http_path: { starts_with: /api/admin } }] }
  - name: office
    from: https://office.example.com
    to: http://127.0.0.1:3001
    policy: { allow: { and: [{ authenticated_user: true }, { day_of_week: mon-fri }] }, deny: { or: [{ header/X-Shift: off }, { source_ip: 10.0.0.0/8 }] } }
  - name: vault
    from: https://vault.example.com
    to: http://127.0.0.1:3002
    provider: okta
    policy: { allow: { and: [{ groups: ops }, { amr: mfa }] } }
`

export const SUBJECTS = `
subjects:
  ana: { sub: 00u1, email: ana@example.com, provider: okta, groups: [platform-engineers, { id: 00g7, name: ops }], amr: [pwd, mfa] }
  ben: { sub: 00u2, email: ben@example.com, provider: okta, groups: [ops], amr: [pwd] }
  contractor: { sub: 00u3, email: c@other.example, provider: partners, groups: [] }
  dark: { sub: 00u4, groups: unavailable }
`

/** Runs `suite`; of the tests only those whose SUITE/TEST is in `only`, where it is given. */
export function runSuite(suite: string, only?: readonly string[]): SuiteReport {
  const { table, problems } = compilePolicies([{ file: 'policies/app.yaml', text: POLICIES }], {
    readText: () => '',
    providers: undefined,
    allowHttp: false,
  })
  const people = readSubjects(readYaml('policies/testdata/subjects.yaml', SUBJECTS))
  if (hasErrors([...problems, ...people.problems])) throw new Error(JSON.stringify(problems))
  const { subjects } = people
  const read = readSuite(readYaml('policies/app_test.yaml', suite), subjects, 'app')
  const isWanted = (of: string, name: string) => only?.includes(`${of}/${name}`) ?? true
  return runSuites([read], { table, isWanted })
}
