/** Every form of `session.store`, and what is wrong with those that are none. */

import { test } from 'tap'
import { readStoreUrl } from '../../src/config/store-url.ts'
import { Secret } from '../../src/support/secret.ts'
import { GOOD, GOOD_CONFIG, load } from './config-folder.ts'

const nobody = { username: undefined, password: undefined }
const nodes = [
  { host: 'h1', port: 6379 },
  { host: '10.0.0.2', port: 7000 },
]

const read: Record<string, Record<string, unknown>> = {
  'memory:': { kind: 'memory' },
  'sqlite:///var/lib/s.db': { kind: 'sqlite', file: '/var/lib/s.db' },
  'sqlite:data/s.db': { kind: 'sqlite', file: '/etc/gatehouse/data/s.db' },
  'redis://redis:6380': {
    kind: 'redis',
    mode: 'single',
    tls: false,
    ...nobody,
    node: { host: 'redis', port: 6380 },
    db: 0,
  },
  'redis://redis': { node: { host: 'redis', port: 6379 }, db: 0 },
  'redis://redis/': { node: { host: 'redis', port: 6379 }, db: 0 },
  'redis://:only-a-password@redis/15': { username: undefined, password: 'only-a-password', db: 15 },
  'rediss://gatehouse:p%40ss%2Fword%3A%25@[2001:db8::1]:6379/2': {
    mode: 'single',
    tls: true,
    username: 'gatehouse',
    password: 'p@ss/word:%',
    node: { host: '2001:db8::1', port: 6379 },
    db: 2,
  },
  'redis://user:with@sign+plus=@redis': { username: 'user', password: 'with@sign+plus=' },
  'redis-sentinel://h1,10.0.0.2:7000/mymaster': {
    kind: 'redis',
    mode: 'sentinel',
    tls: false,
    ...nobody,
    sentinels: [{ host: 'h1', port: 26379 }, nodes[1]],
    name: 'mymaster',
    db: 0,
    sentinelPassword: undefined,
  },
  'rediss-sentinel://u:p@h1:6379,10.0.0.2:7000/my%2Fmaster/3?sentinel_password=a%26b+c': {
    mode: 'sentinel',
    tls: true,
    username: 'u',
    password: 'p',
    sentinels: nodes,
    name: 'my/master',
    db: 3,
    sentinelPassword: 'a&b+c',
  },
  'redis-cluster://h1,10.0.0.2:7000': { kind: 'redis', mode: 'cluster', tls: false, nodes },
  'rediss-cluster://u:p@h1:6379,10.0.0.2:7000/': { mode: 'cluster', tls: true, nodes },
}
for (const [url, expected] of Object.entries(read)) {
  test(`read: ${url}`, (t) => {
    const location: Record<string, unknown> = { ...readStoreUrl(url, '/etc/gatehouse') }
    for (const [key, value] of Object.entries(expected)) {
      const found = location[key]
      t.strictSame(found instanceof Secret ? found.reveal() : found, value, key)
    }
    t.end()
  })
}

const FORMS = /must be `memory:`, `sqlite:\/\/\/ABSOLUTE`, `sqlite:RELATIVE` or a Redis URL/
const refused: Record<string, RegExp> = {
  'postgres://hunter2@h': FORMS,
  'sqlite://host/s.db': FORMS,
  'redis:hunter2': FORMS,
  'redis-sentinels://hunter2@h/n': FORMS,
  'redis://': /a host that is none/,
  'redis://h:0': /a host that is none/,
  'redis://h:65536': /a host that is none/,
  'redis://[::g]': /a host that is none/,
  'redis://user:hunter2/x@h': /a host that is none; .*`%2F`/,
  'redis://user:hunter2#x@h': /has a `#`.*`%23`/,
  'redis://user:hunter2?x@h': /takes no parameters; `\?` in a password is written `%3F`/,
  'redis://user:hunter2%zz@h': /a `%` that begins no escape; write it as `%25`/,
  'redis://hunter2@h': /a user without a password/,
  'redis://:@h': /a user without a password/,
  'redis://a,b': /several hosts; for these write `redis-sentinel:\/\/` or `redis-cluster:\/\/`/,
  'redis://h/one': /a database that is no number/,
  'redis://h/1/2': /a database that is no number/,
  'redis://h?timeout=hunter2': /takes no parameters/,
  'redis-cluster://a,,b': /a host that is none/,
  'redis-cluster://a/1': /takes no database/,
  'redis-sentinel://a,b': /needs the name under which the Sentinels know the primary/,
  'redis-sentinel://a/n/x': /a database that is no number/,
  'redis-sentinel://a/n?password=hunter2': /no parameter but `\?sentinel_password=`/,
  'redis-sentinel://a/n?sentinel_password=': /no parameter but/,
}
for (const [url, reason] of Object.entries(refused)) {
  test(`refused: ${url}`, (t) => {
    t.throws(() => readStoreUrl(url, '/'), { message: reason })
    t.throws(() => readStoreUrl(url, '/'), { message: /^(?!.*hunter2)/ }, 'nothing of it is told')
    t.end()
  })
}

test('a config with Redis is good, and needs a secret', async (t) => {
  const redis = GOOD_CONFIG.replace('sqlite:sessions.db', 'rediss://u:hunter2@redis:6379/1')
  const { snapshot, lines } = await load(t, { ...GOOD, 'gatehouse.yaml': redis })
  t.strictSame(lines, [])
  t.match(snapshot?.store, { kind: 'redis', mode: 'single', tls: true, db: 1 })
  t.notMatch(JSON.stringify(snapshot?.store), 'hunter2')
  const bare = await load(t, { ...GOOD, 'gatehouse.yaml': redis.replace(/ {2}secret:.*\n/, '') })
  t.match(bare.lines, [/missing key `secret`/])
})
