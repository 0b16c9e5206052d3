/** A config with one policy in a folder of its own, good in every part, for tests to spoil. */

import { join } from 'node:path'
import type { Test } from 'tap'
import { type LoadOptions, type LoadResult, loadSnapshot } from '../../src/config/load.ts'
import { formatProblem, type Problem } from '../../src/support/problem.ts'

/** 32 bytes, hex. */
export const SECRET = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'

export const GOOD_CONFIG = `server:
  public_url: https://auth.example.com
providers:
  okta:
    issuer: https://acme.okta.com
    client_id: 0oa1
session:
  secret: ${SECRET}
  store: sqlite:sessions.db
`

export const GOOD_POLICY = `routes:
  - name: app
    from: https://app.example.com
    to: http://127.0.0.1:3000
    policy: [{ allow: { or: [{ groups: staff }] } }]
`

/** The files of a folder: texts, or folders again. */
export interface Files {
  readonly [name: string]: string | Files
}

export const GOOD: Files = {
  'gatehouse.yaml': GOOD_CONFIG,
  policies: { 'app.yaml': GOOD_POLICY },
}

/** Loads `files` from a fresh folder. */
export async function load(
  t: Test,
  files: Files,
  options: Partial<LoadOptions> = {},
): Promise<LoadResult & { readonly folder: string; readonly lines: readonly string[] }> {
  const folder = t.testdir({ ...files })
  const result = await loadSnapshot({
    configFile: join(folder, 'gatehouse.yaml'),
    env: {},
    now: () => 1_772_442_000_000,
    ...options,
  })
  return { ...result, folder, lines: linesOf(result.problems, folder) }
}

/** Problems as they are printed, with paths from `folder`. */
export function linesOf(problems: readonly Problem[], folder: string): readonly string[] {
  return problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ''))
}
