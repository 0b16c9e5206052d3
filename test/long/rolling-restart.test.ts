/** Three replicas behind nginx are restarted, twice, under 500 requests a second. */

import { test } from 'tap'
import { restartUnderLoad } from '../support/rolling-restart.ts'

for (const round of [1, 2]) {
  test(`no request fails, and WebSockets get 1001, round ${round}`, {
    timeout: 600_000,
  }, async (t) => {
    const options = { replicas: 3, requestsPerSecond: 500, webSockets: 60 }
    const { answers, failed, closeCodes, seconds } = await restartUnderLoad(t, options)
    const count = answers.get(200) ?? 0
    t.comment(
      `${count} answers of 200 in ${seconds.toFixed(1)} s, ${Math.round(count / seconds)} a second`,
    )
    t.strictSame(failed, [])
    t.strictSame([...answers.keys()], [200])
    t.strictSame(closeCodes, Array(options.webSockets).fill(1001))
  })
}
