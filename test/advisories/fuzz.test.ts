/** Seeds of the fuzzer that are kept: each finds again what it once found, and shows that it stays away. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { rawRequest } from '../support/raw-request.ts'
import { fuzz } from './fuzz/run.ts'
import { HOST, startTarget } from './start-target.ts'

const SEEDS: readonly number[] = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fuzz/seeds.json'), 'utf8'),
)
const REQUESTS = 300

test('whatever is sent, what arrives was judged, as it arrives', async (t) => {
  const target = await startTarget(t, {
    config: { server: { h2c: true, limits: { header_timeout: '1s', body_timeout: '1s' } } },
  })
  for (const seed of SEEDS) {
    t.same(await fuzz(target, seed, REQUESTS), [], `seed ${seed}`)
    t.ok(target.upstream.requests.length > 0, `${target.upstream.requests.length} arrived`)
    const plain = `GET /public/x HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`
    t.equal((await rawRequest(target.port, plain)).status, 200, 'the gateway lives')
  }
})
