/** The fuzzer with new seeds for FUZZ_SECONDS (past 90 with `tap --timeout`); a seed that finds something belongs into fuzz/seeds.json. */

import { test } from 'tap'
import { fuzz } from '../advisories/fuzz/run.ts'
import { startTarget } from '../advisories/start-target.ts'

const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 60)

test('new seeds find nothing', { timeout: (SECONDS + 60) * 1_000 }, async (t) => {
  const target = await startTarget(t, {
    config: { server: { h2c: true, limits: { header_timeout: '1s', body_timeout: '1s' } } },
  })
  const end = Date.now() + SECONDS * 1_000
  let requests = 0
  for (let seed = Date.now() >>> 0; Date.now() < end; seed++) {
    const wrong = await fuzz(target, seed, 300)
    requests += 300
    t.same(wrong, [], `seed ${seed}`)
    process.stderr.write(
      `fuzz: ${requests} requests, ${target.upstream.requests.length} of the last 300 arrived\n`,
    )
    if (wrong.length > 0) break
  }
})
