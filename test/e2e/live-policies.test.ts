import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { createBrowserClient } from '../support/browser-client.ts'
import { POLICIES, startDemo } from '../support/start-demo.ts'
import { swapUnderLoad } from '../support/swaps-under-load.ts'
import { tempFolder } from '../support/temp-folder.ts'

test('an edit of the demo’s policies is live within two seconds; a bad one changes nothing', async (t) => {
  const folder = tempFolder(t)
  cpSync(POLICIES, folder, { recursive: true })
  const { publicUrl } = await startDemo(t, folder)
  const port = Number(new URL(publicUrl).port)
  const browser = createBrowserClient(port)
  const file = join(folder, 'reports.yaml')
  const written = readFileSync(file, 'utf8')
  const status = async () => (await browser.send(`http://reports.localhost:${port}/`)).status
  /** Asks until the answer is `expected`; the last answer after two seconds. */
  const within2s = async (expected: number) => {
    const end = Date.now() + 2_000
    let last = await status()
    while (last !== expected && Date.now() < end) {
      await wait(50)
      last = await status()
    }
    return last
  }

  t.equal(await status(), 401)
  writeFileSync(file, written.replace('groups: data-science', 'accept: true'))
  t.equal(await within2s(200), 200, 'open to everyone now')
  writeFileSync(file, `${written}  nonsense: true\n`)
  t.equal(await within2s(401), 200, 'a file with a mistake is not taken')
  writeFileSync(file, written)
  t.equal(await within2s(401), 401, 'as it was')
})

test('what the kubelet and git-sync swap is live within two seconds, and no request fails by it', async (t) => {
  const options = { rounds: 2, together: true, requestsPerSecond: 100, furtherRoutes: 50 }
  const { liveAfterMs, answered, failed, refused } = await swapUnderLoad(t, options)
  t.strictSame(failed, [])
  t.strictSame(refused, [], 'no version is read half')
  t.ok(answered > 0)
  for (const [what, all] of Object.entries(liveAfterMs)) {
    t.comment(`${what}: live after ${all.map(Math.round).join(' and ')} ms`)
    // The better of two: this machine may have been asleep, the gateway not twice.
    t.ok(Math.min(...all) < 2_000, what)
  }
})
