/** Commands run in a folder of policies, people and tests. */

import type { Test } from 'tap'
import { tempFolder } from '../support/temp-folder.ts'
import { runCommand } from './run-command.ts'

/** Makes a folder with `files`; the result runs `gatehouse ARGS` in it. */
export function commandsIn(t: Test, files: Readonly<Record<string, string>>) {
  const cwd = tempFolder(t, files)
  return async (...args: readonly string[]) => {
    const { exitCode, stdout, stderr } = await runCommand(args, { cwd })
    return { exitCode, out: stdout, err: stderr }
  }
}

/** A folder of policies with people and one test file in which everything is good. */
export const GOOD_FOLDER: Readonly<Record<string, string>> = {
  'policies/app.yaml': `policies:
  staff:
    - allow: { or: [{ groups: staff }] }
routes:
  - name: app
    from: https://app.example.com
    to: http://127.0.0.1:3000
    policy:
      - use: staff
      - deny: { and: [{ http_path: { starts_with: /admin } }, { not: [{ email: ana@example.com }] }] }
  - name: open
    from: https://open.example.com
    to: http://127.0.0.1:3000
    allow_public_unauthenticated_access: true
`,
  'policies/testdata/subjects.yaml': `subjects:
  ana: { sub: 00u1, email: ana@example.com, groups: [staff] }
  ben: { sub: 00u2, email: ben@example.com, groups: [] }
`,
  'policies/app_test.yaml': `suite: app
subjects: [ana, ben, anonymous]
tests:
  - name: staff gets in
    request: GET https://app.example.com/
    allow: [ana]
  - name: others are told why
    request: GET https://app.example.com/
    because: { ben: { outcome: deny, rule: staff, reason: no-allow-rule } }
`,
}
