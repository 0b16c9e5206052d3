/** Okta's directory over the stand-in, with a clock and timers that the test moves. */

import type { Test } from 'tap'
import type { DirectoryConfig } from '../../src/config/schema-directory.ts'
import type { Okta, OktaOptions } from '../../src/demo/okta/okta.ts'
import {
  type OpenDirectoryOptions,
  openDirectory,
} from '../../src/identity/directory/open-directory.ts'
import type { Fetch } from '../../src/identity/provider/provider-fetch.ts'
import type { Log } from '../../src/support/log.ts'
import { Secret } from '../../src/support/secret.ts'
import { startOkta } from '../support/start-okta.ts'
import { manualTimer } from './manual-timer.ts'

export const START = 1_800_000_000_000

export interface LogLine {
  readonly level: string
  readonly message: string
  readonly fields: Record<string, unknown>
}

export async function startDirectory(
  t: Test,
  options: {
    readonly okta?: Okta
    readonly stand?: OktaOptions
    readonly config?: Partial<DirectoryConfig>
    readonly with?: Partial<OpenDirectoryOptions>
  } = {},
) {
  const clock = { now: START }
  const now = () => clock.now
  const okta = options.okta ?? (await startOkta(t, { now, ...options.stand }))
  const lines: LogLine[] = []
  const results: string[] = []
  const ended: string[] = []
  const timer = manualTimer()
  const directory = openDirectory(
    'okta',
    {
      kind: 'okta',
      url: okta.org,
      api_token: new Secret(okta.apiToken),
      refresh: 300_000,
      max_stale: 3_600_000,
      rate_limit_share: 50,
      ...options.config,
    },
    {
      fetch: globalThis.fetch as Fetch,
      now,
      every: timer.every,
      random: () => 0.5,
      log: logTo(lines),
      onResult: (result) => results.push(result),
      onEnded: (sub) => ended.push(sub),
      ...options.with,
    },
  )
  t.teardown(() => directory.close())
  return { okta, directory, clock, lines, results, ended, timer }
}

export function logTo(lines: LogLine[]): Log {
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: { ...fields } })
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
}
