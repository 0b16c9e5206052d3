/** Method, framing and host: read in one way, or refused. */

import { METHODS } from 'node:http'
import { test } from 'tap'
import {
  canonicalHost,
  checkFraming,
  checkMethod,
  readHeadFields,
} from '../../src/routing/canonical.ts'

test('every method that the parser knows may be forwarded but CONNECT and TRACE', async (t) => {
  const refused = METHODS.filter((method) => checkMethod(method) !== undefined)
  t.same(refused, ['CONNECT', 'TRACE'])
})

for (const method of ['get', 'Get', 'FOO', '', 'GET ', 'PRI', 'constructor']) {
  test(`checkMethod refuses ${JSON.stringify(method)}`, async (t) => {
    t.match(checkMethod(method), { kind: 'refused' })
  })
}

const hosts: Record<string, [host: string, name: string, authority?: string]> = {
  'a name': ['app.example.com', 'app.example.com'],
  'a single label': ['localhost', 'localhost'],
  'upper case': ['APP.Example.com', 'app.example.com'],
  'a port': ['app.example.com:8443', 'app.example.com', 'app.example.com:8443'],
  'a port with leading zeros': ['app.example.com:0443', 'app.example.com', 'app.example.com:443'],
  'a colon without a port': ['app.example.com:', 'app.example.com'],
  'a final dot': ['app.example.com.', 'app.example.com'],
  'case, a final dot and a port': ['A.EXAMPLE.:8443', 'a.example', 'a.example:8443'],
  'an IPv4 address': ['192.0.2.1:80', '192.0.2.1', '192.0.2.1:80'],
  'an IPv6 address': ['[2001:db8::1]', '[2001:db8::1]'],
  'an IPv6 address written long': ['[2001:DB8:0:0::01]:80', '[2001:db8::1]', '[2001:db8::1]:80'],
  'an IPv4-mapped address': ['[::ffff:192.0.2.1]', '[::ffff:c000:201]'],
  'a label of 63': [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
}
for (const [name, [host, canonical, authority = canonical]] of Object.entries(hosts)) {
  test(`canonicalHost reads ${name}`, async (t) => {
    t.same(canonicalHost(host, '/'), { kind: 'host', name: canonical, authority })
  })
}

const refusedHosts: Record<string, string> = {
  'an empty host': '',
  'a dot': '.',
  'two final dots': 'a.example..',
  'an empty label': 'a..b',
  'a leading dot': '.a.example',
  'only a port': ':80',
  userinfo: 'app.example.com@evil.example',
  'userinfo with a password': 'a:b@evil.example',
  'a space': 'a b',
  'a leading space': ' a.example',
  'a tab': 'a\t.example',
  'an underscore': 'a_b.example',
  'a slash': 'evil.example/app.example.com',
  'a backslash': 'a\\b',
  'a percent sign': 'a%2eexample',
  'a list': 'a.example, b.example',
  'a question mark': 'a.example?x',
  'a number sign': 'a.example#x',
  'a NUL': 'a\0.example',
  'a byte past ASCII': 'caf\xe9.example',
  'a character that folds to ASCII': '\u212aai.example',
  'a full-width dot': 'a\uff0eexample',
  'a port that is no number': 'a.example:http',
  'a negative port': 'a.example:-1',
  'port 0': 'a.example:0',
  'a port past 65535': 'a.example:65536',
  'a port of many digits': 'a.example:0000000080',
  'two ports': 'a.example:80:80',
  'an IPv6 address without brackets': '2001:db8::1',
  'an open bracket': '[2001:db8::1',
  'a zone': '[fe80::1%25eth0]',
  'an address with leading zeros': '[::ffff:010.0.0.1]',
  'an address with two gaps': '[1::2::3]',
  'an address with too few parts': '[1:2:3]',
  'an IPv4 address in brackets': '[192.0.2.1]',
  'text behind the bracket': '[::1]x',
  'a label past 63': `${'a'.repeat(64)}.example`,
  'a name past 253': `${'a.'.repeat(127)}a`,
  'a name of 64 kB': 'a.'.repeat(32_768),
}
for (const [name, host] of Object.entries(refusedHosts)) {
  test(`canonicalHost refuses ${name}`, async (t) => {
    t.match(canonicalHost(host, '/'), { kind: 'refused', detail: /Host header/ })
  })
}

test('canonicalHost refuses a request without a Host header', async (t) => {
  t.match(canonicalHost(undefined, '/'), { kind: 'refused' })
})

const targets: Record<string, [target: string, kind: 'host' | 'refused']> = {
  'the same host': ['http://a.example/x', 'host'],
  'the same host in another spelling': ['HTTP://A.EXAMPLE.:81?x', 'host'],
  'no path': ['https://a.example', 'host'],
  'another host': ['http://evil.example/admin', 'refused'],
  'a host that only ends the same': ['http://x.a.example/', 'refused'],
  userinfo: ['http://u@a.example/', 'refused'],
  'our host as userinfo': ['http://a.example@evil.example/', 'refused'],
  'no host': ['http:///x', 'refused'],
  'another scheme': ['ftp://a.example/', 'refused'],
  'authority form': ['a.example:443', 'refused'],
  'the asterisk': ['*', 'refused'],
}
for (const [name, [target, kind]] of Object.entries(targets)) {
  test(`canonicalHost with a target of ${name}: ${kind}`, async (t) => {
    t.equal(canonicalHost('a.example', target).kind, kind)
  })
}

const sound: Record<string, [headers: string[], version?: string]> = {
  'no body': [['Host', 'a.example', 'X-Any', '']],
  'a length': [['Content-Length', '12']],
  'a length of zero': [['content-length', '0']],
  chunked: [['Transfer-Encoding', 'chunked']],
  'chunked in upper case': [['TRANSFER-ENCODING', 'CHUNKED']],
  'a length in HTTP/1.0': [['Content-Length', '12'], '1.0'],
}
for (const [name, [headers, version = '1.1']] of Object.entries(sound)) {
  test(`checkFraming takes ${name}`, async (t) => {
    t.equal(checkFraming(readHeadFields(headers), version), undefined)
  })
}

const ambiguous: Record<string, [headers: string[], version?: string]> = {
  'both headers': [['Content-Length', '5', 'Transfer-Encoding', 'chunked']],
  'both headers the other way round': [['transfer-encoding', 'chunked', 'content-length', '0']],
  'two lengths': [['Content-Length', '5', 'Content-Length', '6']],
  'two equal lengths': [['Content-Length', '5', 'content-length', '5']],
  'a list of lengths': [['Content-Length', '5, 5']],
  'an empty length': [['Content-Length', '']],
  'a signed length': [['Content-Length', '+5']],
  'a negative length': [['Content-Length', '-5']],
  'a hexadecimal length': [['Content-Length', '0x5']],
  'a length with a space': [['Content-Length', '5 ']],
  'a length past all numbers': [['Content-Length', '9'.repeat(30)]],
  'two Host headers': [['Host', 'a.example', 'host', 'b.example']],
  'two equal Host headers': [['Host', 'a.example', 'HOST', 'a.example']],
  'two codings': [['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked']],
  'a list of codings': [['Transfer-Encoding', 'gzip, chunked']],
  'chunked twice': [['Transfer-Encoding', 'chunked, chunked']],
  xchunked: [['Transfer-Encoding', 'xchunked']],
  identity: [['Transfer-Encoding', 'identity']],
  'an empty coding': [['Transfer-Encoding', '']],
  'chunked with a tab': [['Transfer-Encoding', '\tchunked']],
  'chunked with a parameter': [['Transfer-Encoding', 'chunked;x=1']],
  'chunked in HTTP/1.0': [['Transfer-Encoding', 'chunked'], '1.0'],
  'chunked in HTTP/2': [['transfer-encoding', 'chunked'], '2.0'],
  'a space in front of the colon': [['Transfer-Encoding ', 'chunked']],
  'an empty name': [['', 'x']],
  'a NUL in a name': [['X\0', 'x']],
  'a byte past ASCII in a name': [['X\xe9', 'x']],
  'a colon in a name': [[':authority', 'x']],
  'a line feed in a name': [['X\nContent-Length', '5']],
}
for (const [name, [headers, version = '1.1']] of Object.entries(ambiguous)) {
  test(`checkFraming refuses ${name}`, async (t) => {
    t.match(checkFraming(readHeadFields(headers), version), {
      kind: 'refused',
      detail: /^[a-zA-Z]/,
    })
  })
}
