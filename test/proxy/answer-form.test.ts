import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { test } from 'tap'
import { answerForm } from '../../src/proxy/answer-form.ts'

const form = (headers: IncomingHttpHeaders, method = 'GET') =>
  answerForm({ method, headers } as IncomingMessage)

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

const cases: [name: string, headers: IncomingHttpHeaders, method: string, expected: string][] = [
  ['a navigation', { 'sec-fetch-mode': 'navigate' }, 'GET', 'page'],
  ['a navigation by HEAD', { 'sec-fetch-mode': 'navigate' }, 'HEAD', 'page'],
  ['a form post', { 'sec-fetch-mode': 'navigate', accept: browser }, 'POST', 'json'],
  ['a fetch', { 'sec-fetch-mode': 'cors', accept: browser }, 'GET', 'json'],
  ['an image', { 'sec-fetch-mode': 'no-cors', accept: 'image/*' }, 'GET', 'json'],
  ['a prefetch', { 'sec-fetch-mode': 'navigate', 'sec-purpose': 'prefetch' }, 'GET', 'json'],
  ['an upgrade', { upgrade: 'websocket', accept: browser }, 'GET', 'json'],
  ['an old browser', { accept: browser }, 'GET', 'page'],
  ['no Accept', {}, 'GET', 'json'],
  ['anything', { accept: '*/*' }, 'GET', 'json'],
  ['JSON', { accept: 'application/json' }, 'GET', 'json'],
  ['HTML or JSON', { accept: 'application/json, text/html' }, 'GET', 'page'],
  ['JSON rather than HTML', { accept: 'application/json, text/html;q=0.9' }, 'GET', 'json'],
  [
    'a JSON type rather than HTML',
    { accept: 'application/problem+json, text/html;q=0.9' },
    'GET',
    'json',
  ],
  ['HTML refused', { accept: 'text/html;q=0, */*' }, 'GET', 'json'],
  ['gRPC', { 'content-type': 'application/grpc+proto' }, 'POST', 'grpc'],
]
for (const [name, headers, method, expected] of cases) {
  test(`${name} is answered by ${expected}`, async (t) => {
    t.equal(form(headers, method), expected)
  })
}
