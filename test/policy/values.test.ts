/** Addresses, days, moments and zones as policies write them, and what they hold for. */

import { test } from 'tap'
import { compileNetwork } from '../../src/policy/language/address.ts'
import { equalsFolded, foldAscii } from '../../src/policy/language/fold.ts'
import { parseDays, parseInstant, parseTimeOfDay } from '../../src/policy/language/time-texts.ts'
import { createZoneOffset } from '../../src/policy/language/time-zone.ts'

const NETWORKS: Readonly<Record<string, { in?: readonly string[]; out?: readonly string[] }>> = {
  '192.0.2.7': { in: ['192.0.2.7', '::ffff:192.0.2.7'], out: ['192.0.2.8', '::c000:207'] },
  '10.0.0.0/8': { in: ['10.255.0.1'], out: ['11.0.0.0', '::ffff:11.0.0.1'] },
  '0.0.0.0/0': { in: ['255.255.255.255', '0.0.0.0'], out: ['::1', ''] },
  '255.255.255.255/32': { in: ['255.255.255.255'], out: ['255.255.255.254'] },
  '128.0.0.0/1': { in: ['200.1.1.1'], out: ['127.255.255.255'] },
  '::ffff:192.0.2.0/120': { in: ['192.0.2.200'], out: ['192.0.3.1'] },
  '2001:db8::/33': {
    in: ['2001:db8:7fff::1', '2001:DB8::5'],
    out: ['2001:db8:8000::', '192.0.2.1'],
  },
  '::/0': { in: ['::', 'fe80::1', 'fe80::1%eth0'], out: ['192.0.2.1', '::ffff:192.0.2.1'] },
  '::1': { in: ['::1', '0:0:0:0:0:0:0:1'], out: ['::2', 'nonsense'] },
  '192.0.2.1/32': {
    out: [
      '192.0.2.01',
      '192.0.2',
      '192.0.2.1.',
      '.192.0.2.1',
      '192.0.2.1.1',
      '192.0.2.1 ',
      '192.0.2.x',
      '192.0.2.1111',
      '192.0..1',
      '192.0.2.300',
    ],
  },
}

for (const [text, { in: inside = [], out: outside = [] }] of Object.entries(NETWORKS)) {
  test(`network ${text}`, async (t) => {
    const network = compileNetwork(text)
    if (typeof network === 'string') throw new Error(network)
    for (const address of inside) t.ok(network.contains(address), address)
    for (const address of outside) t.notOk(network.contains(address), address)
  })
}

test('a network is told in its usual form', async (t) => {
  const canonical = (text: string): string => {
    const network = compileNetwork(text)
    return typeof network === 'string' ? network : network.canonical
  }
  t.equal(canonical('255.1.2.3/9'), '255.0.0.0/9')
  t.equal(canonical('2001:DB8:0:0:1::/48'), '2001:db8::/48')
  t.equal(canonical('::ffff:10.9.8.7/104'), '10.0.0.0/8')
  t.match(canonical('10.0.0.0/08'), 'is no address or CIDR network')
  t.match(canonical('localhost'), 'is no address or CIDR network')
  t.match(canonical('256.0.0.1'), 'is no address or CIDR network')
})

const INSTANTS: Readonly<Record<string, string | undefined>> = {
  '2026-03-02': '2026-03-02T00:00:00.000Z',
  '2026-03-02T09:30': '2026-03-02T09:30:00.000Z',
  '2026-03-02T09:30:15.25Z': '2026-03-02T09:30:15.250Z',
  '2026-03-02T09:30:00+01:30': '2026-03-02T08:00:00.000Z',
  '2026-03-02T09:30:00-0500': '2026-03-02T14:30:00.000Z',
  '2026-03-02T09:30:00+02': '2026-03-02T07:30:00.000Z',
  '2024-02-29': '2024-02-29T00:00:00.000Z',
  '0099-01-01': '0099-01-01T00:00:00.000Z',
  '2026-02-29': undefined,
  '2026-13-01': undefined,
  '2026-00-01': undefined,
  '2026-03-02T24:00': undefined,
  '2026-03-02T09:60': undefined,
  '2026-03-02T09:30:60': undefined,
  '2026-03-02T09:30+24:00': undefined,
  '2026-03-02T09:30+01:60': undefined,
  '2026-03-02T09': undefined,
  '2026-3-2': undefined,
  '2026-03-02 09:30': undefined,
  '2026-03': undefined,
  tomorrow: undefined,
}

for (const [text, expected] of Object.entries(INSTANTS)) {
  test(`moment ${text}`, async (t) => {
    const ms = parseInstant(text)
    t.equal(ms === undefined ? undefined : new Date(ms).toISOString(), expected)
  })
}

const TIMES: Readonly<Record<string, number | undefined>> = {
  '8 AM': 8 * 3_600,
  '8am': 8 * 3_600,
  '12 AM': 0,
  '12 PM': 12 * 3_600,
  '8:15 p.m.': 20 * 3_600 + 900,
  '20:15': 20 * 3_600 + 900,
  '8:15:01.5': 8 * 3_600 + 901.5,
  '00:00': 0,
  '23:59:59': 86_399,
  '24:00': undefined,
  '13 PM': undefined,
  '0 AM': undefined,
  '8': undefined,
  '8:60': undefined,
  '8:5': undefined,
  noon: undefined,
}

for (const [text, seconds] of Object.entries(TIMES)) {
  test(`time ${text}`, async (t) => {
    t.equal(parseTimeOfDay(text), seconds === undefined ? undefined : seconds * 1_000)
  })
}

const DAYS: Readonly<Record<string, readonly number[] | undefined>> = {
  '*': [0, 1, 2, 3, 4, 5, 6],
  'mon-fri': [1, 2, 3, 4, 5],
  'sat - sun': [6, 0],
  'Tuesday, THU': [2, 4],
  'wed-wed': [3],
  'sun-sat': [0, 1, 2, 3, 4, 5, 6],
  'mon-': undefined,
  '-mon': undefined,
  'mon,': undefined,
  tues: undefined,
}

for (const [text, expected] of Object.entries(DAYS)) {
  test(`days ${text}`, async (t) => {
    const days = parseDays(text)
    t.strictSame(typeof days === 'string' ? undefined : days, expected)
  })
}

test('a zone knows its offset at each moment', async (t) => {
  const hours = (zone: string, at: string): number | undefined => {
    const offset = createZoneOffset(zone)?.(Date.parse(at))
    return offset === undefined ? undefined : offset / 3_600_000
  }
  t.equal(hours('UTC', '2026-07-01T00:00:00Z'), 0)
  t.equal(hours('Europe/Berlin', '2026-03-29T00:59:59.999Z'), 1)
  t.equal(hours('Europe/Berlin', '2026-03-29T01:00:00Z'), 2)
  t.equal(hours('America/St_Johns', '2026-01-01T00:00:00Z'), -3.5)
  t.equal(hours('Asia/Kathmandu', '2026-01-01T00:00:00Z'), 5.75)
  t.equal(hours('Pacific/Kiritimati', '2026-12-31T23:30:00Z'), 14)
  t.equal(hours('Africa/Cairo', '-000001-01-01T00:00:00Z')?.toFixed(1), '2.1')
  t.equal(hours('Mars/Base', '2026-01-01T00:00:00Z'), undefined)
})

test('a zone keeps pace with a clock that goes on and back', async (t) => {
  const offset = createZoneOffset('Europe/Berlin')
  const change = Date.parse('2026-10-25T01:00:00Z')
  const seen = [change - 1, change, change + 1, change - 60_000].map((now) => offset?.(now))
  t.strictSame(seen, [7_200_000, 3_600_000, 3_600_000, 7_200_000])
})

test('only A to Z fold', async (t) => {
  t.equal(foldAscii('Lena@Harbor.Example'), 'lena@harbor.example')
  t.equal(foldAscii('\u212Aai\u0130É'), '\u212Aai\u0130É')
  t.ok(equalsFolded('X-Forwarded-For', 'x-forwarded-for'))
  t.notOk(equalsFolded('X-\u212A', 'x-k'))
  t.notOk(equalsFolded('X', 'x-'))
  t.notOk(equalsFolded('[', '{'))
})
