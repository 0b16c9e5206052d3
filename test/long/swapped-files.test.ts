/** ConfigMaps and git-sync worktrees are swapped again and again, with 1,000 routes, under 300 requests a second. */

import { test } from 'tap'
import { swapUnderLoad } from '../support/swaps-under-load.ts'

test('90 swaps under load: no request fails, each is live within two seconds', {
  timeout: 600_000,
}, async (t) => {
  const options = { rounds: 30, together: false, requestsPerSecond: 300, furtherRoutes: 1_000 }
  const { liveAfterMs, answered, failed } = await swapUnderLoad(t, options)
  t.comment(`${answered} answers`)
  t.strictSame(failed, [])
  for (const [what, all] of Object.entries(liveAfterMs)) {
    const inOrder = all.map(Math.round).sort((a, b) => a - b)
    t.comment(`${what}: ${all.length} swaps, live after ${inOrder[0]} to ${inOrder.at(-1)} ms`)
    t.ok(Math.max(...all) < 2_000, what)
  }
})
