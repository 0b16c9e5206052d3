/** Two replicas behind nginx are restarted under a light load; test/long has more of all. */

import { test } from 'tap'
import { restartUnderLoad } from '../support/rolling-restart.ts'

test('replicas behind nginx are restarted, and nobody notices but WebSockets, which are told', async (t) => {
  const options = { replicas: 2, requestsPerSecond: 50, webSockets: 4 }
  const { answers, failed, closeCodes, seconds } = await restartUnderLoad(t, options)
  t.comment(`${answers.get(200)} answers of 200 in ${seconds.toFixed(1)} s`)
  t.strictSame(failed, [])
  t.strictSame([...answers.keys()], [200])
  t.strictSame(closeCodes, [1001, 1001, 1001, 1001])
})
