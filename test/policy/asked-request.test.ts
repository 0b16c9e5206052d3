/** Requests of tests and `explain`: taken as written, read as from a socket. */

import { test } from 'tap'
import { readRequestLine, readSourceIp, splitUrl } from '../../src/policy/suite/asked-request.ts'

const urls: Record<string, [authority: string, target: string] | undefined> = {
  'https://a.example/x?y': ['a.example', '/x?y'],
  'http://a.example:8080': ['a.example:8080', '/'],
  'HTTPS://A.example?x': ['A.example', '/?x'],
  'https://a.example#x': ['a.example', '/#x'],
  'https://u@a.example/': ['u@a.example', '/'],
  'https://a.example/../x//y': ['a.example', '/../x//y'],
  'https:///x': ['', '/x'],
  'https://a.example/a b\n': ['a.example', '/a b\n'],
  'ftp://a.example/': undefined,
  '/x': undefined,
  'a.example/x': undefined,
}
for (const [url, parts] of Object.entries(urls)) {
  test(`splitUrl changes nothing in ${JSON.stringify(url)}`, async (t) => {
    const expected = parts && { url, authority: parts[0], target: parts[1] }
    t.same(splitUrl(url), expected)
  })
}

test('a request line is a method and a URL', async (t) => {
  t.match(readRequestLine('get https://a.example/a b'), { method: 'get', target: '/a b' })
  for (const text of ['https://a.example/', 'GET', 'GET /x', ' https://a.example/', '']) {
    t.match(readRequestLine(text), /METHOD URL/)
  }
})

const addresses: Record<string, string | undefined> = {
  '192.0.2.1': '192.0.2.1',
  '::ffff:192.0.2.1': '192.0.2.1',
  '2001:db8:7:0::5': '2001:db8:7::5',
  '2001:DB8::1': '2001:db8::1',
  'fe80::1%eth0': undefined,
  '127.1': undefined,
  '010.0.0.1': undefined,
  '10.0.0.0/8': undefined,
  office: undefined,
  '': undefined,
}
for (const [text, address] of Object.entries(addresses)) {
  test(`the source \`${text}\` is ${address ?? 'no address'}`, async (t) => {
    t.equal(readSourceIp(text), address)
  })
}
