/** `local_admins`: what is refused and warned about, at its place. */

import { join } from 'node:path'
import { type Test, test } from 'tap'
import { loadSnapshot } from '../../src/config/load.ts'
import { formatProblem } from '../../src/support/problem.ts'
import { tempFolder } from '../support/temp-folder.ts'

const HASH = `scrypt:ln=15,r=8,p=3:${'A'.repeat(22)}:${'B'.repeat(43)}`

async function load(t: Test, admins: string) {
  const folder = tempFolder(t, {
    'gatehouse.yaml': `server: { public_url: "http://localhost:8080" }
providers: { demo: { issuer: "http://127.0.0.1:9", client_id: x } }
session: { secret: "${Buffer.alloc(32, 7).toString('base64')}" }
policies: [policies/]
local_admins:
${admins}`,
    'policies/a.yaml':
      'routes: [{ from: "http://a.localhost", to: "http://127.0.0.1:9", allow_any_authenticated_user: true }]\n',
  })
  const configFile = join(folder, 'gatehouse.yaml')
  const { snapshot, problems } = await loadSnapshot({ configFile, env: {}, now: Date.now })
  const said = problems
    .map(formatProblem)
    .filter((line) => /gatehouse.yaml:([6-9]|1\d):/.test(line))
    .map((line) => line.replace(/^.*gatehouse\.yaml:/, ''))
  return { snapshot, said }
}

test('as the product page writes it, with a date', async (t) => {
  const { snapshot, said } = await load(
    t,
    `  - { name: root, password_hash: "${HASH}", networks: [10.0.0.0/8], groups: [break-glass], expires: 2999-01-01 }\n`,
  )
  t.strictSame(said, [])
  const [root] = snapshot?.localAdmins ?? []
  t.match(root, { name: 'root', groups: ['break-glass'], expires: Date.UTC(2999, 0, 1) })
  t.strictSame(
    ['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.1'].map((one) => root?.mayCome(one)),
    [true, true, false],
  )
})

test('mistakes are named where they stand, and never with the hash', async (t) => {
  const { snapshot, said } = await load(
    t,
    `  - { name: "a b", password_hash: "${HASH}" }
  - { name: root, password_hash: "hunter2", networks: [10.0.0.0/40], expires: 2020-01-01 }
  - { name: ROOT, password_hash: "scrypt:ln=10,r=8,p=1:${'A'.repeat(22)}:${'B'.repeat(43)}", networks: [10.0.0.0/8] }
  - { name: big, password_hash: "scrypt:ln=24,r=8,p=1:${'A'.repeat(22)}:${'B'.repeat(43)}", networks: [10.0.0.0/8] }
  - { name: anywhere, password_hash: "${HASH}" }
`,
  )
  t.equal(snapshot, undefined)
  t.match(said, [/6:13: .*letters, digits/])
  const { said: later } = await load(
    t,
    `  - { name: root, password_hash: "hunter2", networks: [10.0.0.0/40], expires: 2020-01-01 }
  - { name: ROOT, password_hash: "scrypt:ln=10,r=8,p=1:${'A'.repeat(22)}:${'B'.repeat(43)}", networks: [10.0.0.0/8] }
  - { name: big, password_hash: "scrypt:ln=24,r=8,p=1:${'A'.repeat(22)}:${'B'.repeat(43)}", networks: [10.0.0.0/8] }
  - { name: anywhere, password_hash: "${HASH}" }
`,
  )
  for (const [at, what] of [
    ['6:34', /no password hash; `gatehouse hash-password` makes one/],
    ['6:56', /at most 32 bits/],
    ['6:79', /warning: `root` has expired/],
    ['7:13', /two local administrators are called `ROOT`/],
    ['7:34', /too cheap/],
    ['8:33', /takes too much/],
    ['9:13', /warning: `anywhere` may sign in from anywhere/],
  ] as const) {
    t.ok(
      later.some((line) => line.startsWith(`${at}:`) && what.test(line)),
      `${at} ${what}: ${later.join(' | ')}`,
    )
  }
  t.notOk(later.join().includes('hunter2'))
})
