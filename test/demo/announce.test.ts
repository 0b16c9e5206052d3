import { test } from 'tap'
import { announce } from '../../src/demo/announce.ts'
import { DEMO_PEOPLE } from '../../src/demo/people.ts'

test('the demo says where to go, whom to be, and what each may open', (t) => {
  const text = announce({
    publicUrl: 'http://localhost:8080',
    issuer: 'http://127.0.0.1:4001',
    adminUrl: 'http://127.0.0.1:4002',
    routes: [
      { name: 'hello', url: 'http://hello.localhost:8080/', description: 'Greets' },
      { name: 'reports', url: 'http://reports.localhost:8080/', description: undefined },
    ],
    access: [
      { person: DEMO_PEOPLE[0], mayOpen: ['hello'] },
      { person: DEMO_PEOPLE[2], mayOpen: ['hello', 'reports'] },
      { person: undefined, mayOpen: [] },
    ],
  })
  const lines = text.split('\n')
  t.match(text, / {2}http:..hello.localhost:8080. +Greets\n/)
  t.match(text, / {2}http:..reports.localhost:8080. +reports\n/)
  t.match(text, /Ana Ferreira +platform-engineers +hello\n/)
  t.match(text, /Chris Lindqvist +platform-engineers, data-science +hello, reports\n/)
  t.match(text, /\(not signed in\) +-\n/)
  t.equal(lines.filter((line) => line.endsWith(' ')).length, 0)
  t.end()
})
