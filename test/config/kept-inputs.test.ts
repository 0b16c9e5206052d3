import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { loadSnapshot } from '../../src/config/load.ts'
import { tempFolder, writeFiles } from '../support/temp-folder.ts'

const CONFIG = `
server: { public_url: "http://localhost:8080" }
providers: { demo: { issuer: "http://127.0.0.1:9", client_id: x, client_secret: "\${file:secret}" } }
session: { secret: "\${SECRET}", store: "sqlite:sessions.db" }
`
const ROUTE = 'routes: [{ from: "http://a.localhost", to: "http://127.0.0.1:9" }]\n'

test('what was loaded once can be loaded elsewhere, whatever has become of the files', async (t) => {
  const folder = tempFolder(t, {
    'gatehouse.yaml': CONFIG,
    secret: 'hunter2\n',
    'policies/a.yaml': ROUTE,
    'policies/below/b.yaml': ROUTE.replace('a.localhost', 'b.localhost'),
  })
  const configFile = join(folder, 'gatehouse.yaml')
  const env = { SECRET: Buffer.alloc(32, 7).toString('base64') }
  const options = { configFile, env, now: Date.now }
  const { snapshot, inputs } = await loadSnapshot({ ...options, keep: true })
  writeFiles(folder, { 'gatehouse.yaml': 'rubbish: [', secret: 'other' })
  rmSync(join(folder, 'policies'), { recursive: true })

  // As it arrives in another process.
  const again = await loadSnapshot({ ...options, inputs: structuredClone(inputs) })
  t.equal(again.snapshot?.revision, snapshot?.revision)
  t.strictSame(
    again.snapshot?.table.routes.map(({ name }) => name),
    ['a.localhost', 'b.localhost'],
  )
  t.equal(again.snapshot?.config.providers['demo']?.client_secret?.reveal(), 'hunter2')
})

test('nothing is kept unless it is asked for, and nothing of what is refused', async (t) => {
  const folder = tempFolder(t, { 'gatehouse.yaml': CONFIG, 'policies/a.yaml': ROUTE })
  const options = { configFile: join(folder, 'gatehouse.yaml'), env: {}, now: Date.now }
  t.equal((await loadSnapshot({ ...options, keep: true })).inputs, undefined)
})
