import { test } from 'tap'
import { createPolicyReader, rewritePolicy } from '../../src/demo/rewrite-policies.ts'
import { tempFolder } from '../support/temp-folder.ts'

const rewriting = {
  folder: '/policies',
  port: 9000,
  upstreams: new Map([['http://hello-app.internal:3000', 'http://127.0.0.1:4567']]),
}

const cases = {
  'the port of a `from`': ['  from: http://a.localhost:8080', '  from: http://a.localhost:9000'],
  'a quoted `from`': ['from: "http://*.localhost:8080"', 'from: "http://*.localhost:9000"'],
  'flow style': [
    '{ from: http://a.localhost:8080, to: http://hello-app.internal:3000 }',
    '{ from: http://a.localhost:9000, to: http://127.0.0.1:4567 }',
  ],
  'an app by name, with a path': [
    'to: http://hello-app.internal:3000/base # why',
    'to: http://127.0.0.1:4567/base # why',
  ],
  'not another port': ['from: http://a.localhost:80801', 'from: http://a.localhost:80801'],
  'not a `to` with that port': ['to: http://other.internal:8080', 'to: http://other.internal:8080'],
  'not a longer name': [
    'to: http://hello-app.internal:30001',
    'to: http://hello-app.internal:30001',
  ],
  'not a port elsewhere': ['description: listens on :8080', 'description: listens on :8080'],
} as const

for (const [name, [written, meant]] of Object.entries(cases)) {
  test(`rewriting policies: ${name}`, (t) => {
    t.equal(rewritePolicy(written, rewriting), meant)
    t.end()
  })
}

test('only policy files inside the folder are rewritten', async (t) => {
  const text = 'from: http://a.localhost:8080\n'
  const folder = tempFolder(t, { 'in/a.yaml': text, 'in/a.txt': text, 'in-side.yaml': text })
  const read = createPolicyReader({ ...rewriting, folder: `${folder}/in` })
  t.match((await read(`${folder}/in/a.yaml`)).toString(), ':9000')
  t.equal((await read(`${folder}/in/a.txt`)).toString(), text)
  t.equal((await read(`${folder}/in-side.yaml`)).toString(), text)
  await t.rejects(read(`${folder}/in/none.yaml`), { code: 'ENOENT' })
})
