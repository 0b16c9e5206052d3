/**
 * Path and host confusion (class C): what is judged is what is sent. `/admin` and `/public/` are two routes of one
 * host; every input either means exactly one of them, or is refused before any policy.
 */

import { RE2JS } from 're2js'
import { test } from 'tap'
import {
  canonicalHost,
  canonicalPath,
  checkFraming,
  checkMethod,
  readHeadFields,
} from '../../src/routing/canonical.ts'
import { compileRouteTable, type PathMatch, type Routable } from '../../src/routing/route-table.ts'

const HOST = 'app.example.com'

function route(name: string, path: PathMatch, host = HOST): Routable {
  return {
    name,
    at: { file: 'policies/app.yaml', line: 1, column: 1 },
    match: { host: { kind: 'exact', name: host }, path },
    keepEncodedSlashes: host.startsWith('keep.'),
  }
}

const SLOW = '/(a+)+'
const { table } = compileRouteTable([
  route('rest', { kind: 'prefix', prefix: '/' }),
  route('admin', { kind: 'prefix', prefix: '/admin' }),
  route('private', { kind: 'prefix', prefix: '/private' }),
  route('public', { kind: 'prefix', prefix: '/public/' }),
  route('slow', { kind: 'regex', regex: RE2JS.compile(SLOW), source: SLOW }),
  route('keep', { kind: 'prefix', prefix: '/' }, 'keep.example.com'),
  route('keep admin', { kind: 'prefix', prefix: '/admin' }, 'keep.example.com'),
])

interface Sent {
  readonly route: string | undefined
  readonly path: string
}

/** What would be judged and sent: `refused`, `421`, or the route's name and the path upstream. */
function read(target: string, host = HOST): Sent | 'refused' | 'unknown host' {
  const name = canonicalHost(host, target)
  if (name.kind === 'refused') return 'refused'
  const entry = table.host(name.name)
  const path = canonicalPath(target, entry?.keepEncodedSlashes ?? false)
  if (path.kind === 'refused') return 'refused'
  if (entry === undefined) return 'unknown host'
  return { route: entry.match(path.decoded)?.name, path: path.encoded }
}

const refused: Record<string, readonly string[]> = {
  'C1 dot segments': [
    '/public/../admin',
    '/public/./../admin',
    '/public/..',
    '/..',
    '/public/..;/admin',
  ],
  'C2 encoded dot segments': ['/public/%2e%2e/admin', '/public/%2E%2E/admin', '/public/.%2e/admin'],
  'C3 encoded slashes and backslashes': [
    '/public/..%2fadmin',
    '/public%2Fadmin',
    '/public/..%5cadmin',
    '/public\\..\\admin',
    '/public/%c0%af../admin',
  ],
  'C7 a raw number sign': ['/admin#/public', '/public/#/../admin', '/public/?x#/admin'],
  'C7 an encoded number sign and dots': ['/public%23/../admin'],
  'C11 an absolute target for another host': ['http://evil/admin', `http://${HOST}.evil/admin`],
  'C12 a target that is no path': ['admin', '*', '', ' /admin', '?/admin'],
  'raw controls and bytes past ASCII': ['/public/\r\n/admin', '/public/\x00', '/public/\xff'],
  'controls and bytes that are no UTF-8, encoded': ['/admin%00', '/admin%0d%0a', '/admin%ff'],
  'malformed percent signs': ['/admin%', '/%6', '/%u0061dmin', '/%%61dmin'],
}
for (const [name, targets] of Object.entries(refused)) {
  for (const target of targets) {
    test(`${name}: ${JSON.stringify(target)} is refused`, async (t) => {
      t.equal(read(target), 'refused')
    })
  }
}

const meant: Record<string, readonly [target: string, route: string, path: string]> = {
  'C4 two slashes': ['//admin', 'admin', '/admin'],
  'C4 three slashes': ['///admin//x', 'admin', '/admin/x'],
  'C4 a slash more behind the open prefix': ['/public//admin', 'public', '/public/admin'],
  'C5 upper case is another path': ['/ADMIN', 'rest', '/ADMIN'],
  'C6 the query is no part of the path': ['/private?x=/public/', 'private', '/private'],
  'C6 nor does it begin later': ['/private?/../public/', 'private', '/private'],
  'C7 an encoded number sign is a character': ['/public/%23/admin', 'public', '/public/%23/admin'],
  'C8 an encoded question mark is a character': ['/admin%3Fx', 'rest', '/admin%3Fx'],
  'C9 decoded once': ['/admin%252f..', 'rest', '/admin%252f..'],
  'C9 not twice': ['/public/%252e%252e/admin', 'public', '/public/%252e%252e/admin'],
  'C10 a full-width slash': [
    '/public%ef%bc%8f..%ef%bc%8fadmin',
    'rest',
    '/public%EF%BC%8F..%EF%BC%8Fadmin',
  ],
  'C11 an absolute target for this host': [`http://${HOST}/admin`, 'admin', '/admin'],
  'encoded letters': ['/%61dmin', 'admin', '/admin'],
  'a longer name': ['/administrator', 'rest', '/administrator'],
  'a parameter makes another name': ['/admin;x=1/y', 'rest', '/admin;x=1/y'],
  'a prefix that ends in a slash': ['/public', 'rest', '/public'],
}
for (const [name, [target, routeName, path]] of Object.entries(meant)) {
  test(`${name}: ${target} is judged and sent as ${path}`, async (t) => {
    t.same(read(target), { route: routeName, path })
  })
}

test('C3 where slashes are kept, they are kept for the judge and for the upstream', async (t) => {
  t.same(read('/admin%2fx', 'keep.example.com'), { route: 'keep', path: '/admin%2Fx' })
  t.equal(read('/x%2f..%2fadmin', 'keep.example.com'), 'refused')
  t.equal(read('/x%2f%2e%2e/admin', 'keep.example.com'), 'refused')
})

for (const host of [
  'APP.example.com',
  'app.example.com.',
  'app.example.com:443',
  'App.Example.Com.:8080',
]) {
  test(`C13 ${host} is the same host`, async (t) => {
    t.same(read('/admin', host), { route: 'admin', path: '/admin' })
  })
}

const strangeHosts = [
  'evil@app.example.com',
  'app.example.com@evil.com',
  'app.example.com evil.com',
  'app_example.com',
  'evil.com/app.example.com',
  'app.example.com/',
  'app.example.com#',
  'app.example.com\\evil.com',
  'app.example.com,evil.com',
  'app%2eexample.com',
  'app..example.com',
  '',
]
for (const host of strangeHosts) {
  test(`C14 the host ${JSON.stringify(host)} is refused`, async (t) => {
    t.equal(read('/admin', host), 'refused')
  })
}

for (const host of ['evil.com', 'xapp.example.com', 'app.example.com.evil.com', '127.0.0.1']) {
  test(`C14 the host ${host} is unknown`, async (t) => {
    t.equal(read('/admin', host), 'unknown host')
  })
}

test('C15 two Host headers are refused', async (t) => {
  const headers = ['Host', HOST, 'Accept', '*/*', 'host', HOST]
  t.match(checkFraming(readHeadFields(headers), '1.1'), { kind: 'refused' })
})

for (const method of ['get', 'FOO', 'TRACE', 'CONNECT', 'GET\t', '']) {
  test(`C17 the method ${JSON.stringify(method)} is refused`, async (t) => {
    t.match(checkMethod(method), { kind: 'refused' })
  })
}

test('C18 a pattern that would explode takes time in proportion to its input', async (t) => {
  const started = process.cpuUsage()
  t.equal(read(`/${'a'.repeat(50_000)}!`) === 'refused', false)
  const { user, system } = process.cpuUsage(started)
  t.ok(user + system < 2_000_000, 'two seconds are a thousand times what it needs')
})
