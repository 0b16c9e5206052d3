/** The whole demo on a free port, for tests with a real browser. */

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { startGateway } from '../../src/app.ts'
import { type Demo, startDemo as start } from '../../src/demo/demo.ts'
import { PortTakenError } from '../../src/demo/port.ts'
import { tempFolder } from './temp-folder.ts'

/** The policies that come with the project. */
export const POLICIES = fileURLToPath(new URL('../../policies', import.meta.url))

/** Starts it with this project's own policies, or those in another folder; it ends with the test. */
export async function startDemo(t: Test, policies = POLICIES): Promise<Demo> {
  for (let attempt = 1; ; attempt++) {
    try {
      const demo = await start({
        port: 0,
        policies,
        decisions: join(tempFolder(t), 'decisions.log'),
        audit: join(tempFolder(t), 'audit.log'),
        startGateway: ({ configFile, readFile }) =>
          startGateway({ configFile, env: {}, now: Date.now, overrides: { readFile } }),
      })
      t.teardown(demo.stop)
      return demo
    } catch (cause) {
      // Another test may have taken the port that was free a moment ago.
      if (!(cause instanceof PortTakenError) || attempt === 3) throw cause
    }
  }
}
