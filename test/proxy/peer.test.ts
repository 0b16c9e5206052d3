import { test } from 'tap'
import { forwardedFor, plainAddress, trustedPeers } from '../../src/proxy/peer.ts'

const addresses: Record<string, string | undefined> = {
  '192.0.2.1': '192.0.2.1',
  '::ffff:10.0.0.1': '10.0.0.1',
  '2001:DB8::1': '2001:db8::1',
  'fe80::1%eth0': 'fe80::1',
  unknown: undefined,
  _hidden: undefined,
  '1.2.3.4:99': undefined,
  '[::1]': undefined,
  '127.1': undefined,
  '0x7f.0.0.1': undefined,
  '010.0.0.1': undefined,
  '': undefined,
}
for (const [text, expected] of Object.entries(addresses)) {
  test(`\`${text}\` is read as ${expected ?? 'no address'}`, async (t) => {
    t.equal(plainAddress(text), expected)
  })
}

const trusted = trustedPeers(['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'])

test('only peers of the trusted networks are believed', async (t) => {
  t.ok(trusted('10.255.0.1'))
  t.ok(trusted('2001:db8::99'))
  t.ok(trusted('192.0.2.7'))
  t.notOk(trusted('192.0.2.8'))
  t.notOk(trusted('::1'))
  t.notOk(trustedPeers([])('127.0.0.1'), 'nobody is trusted by default')
})

const chains: Record<string, { peer: string; headers: string[]; client: string; chain: string }> = {
  'an untrusted peer is the client, whatever it says': {
    peer: '198.51.100.9',
    headers: ['10.1.1.1'],
    client: '198.51.100.9',
    chain: '198.51.100.9',
  },
  'the rightmost address that no trusted proxy vouches past is the client': {
    peer: '10.0.0.2',
    headers: ['203.0.113.66, 198.51.100.7, 10.0.0.1'],
    client: '198.51.100.7',
    chain: '198.51.100.7, 10.0.0.1, 10.0.0.2',
  },
  'several header lines are one list': {
    peer: '10.0.0.2',
    headers: ['203.0.113.66', '198.51.100.7'],
    client: '198.51.100.7',
    chain: '198.51.100.7, 10.0.0.2',
  },
  'an entry that is no address ends the walk at the last proxy known': {
    peer: '10.0.0.2',
    headers: ['198.51.100.7, unknown, 10.0.0.1'],
    client: '10.0.0.1',
    chain: '10.0.0.1, 10.0.0.2',
  },
  'an address with a port is no address': {
    peer: '10.0.0.2',
    headers: ['198.51.100.7:4711'],
    client: '10.0.0.2',
    chain: '10.0.0.2',
  },
  'a mapped IPv4 address is IPv4': {
    peer: '10.0.0.2',
    headers: ['::ffff:198.51.100.7'],
    client: '198.51.100.7',
    chain: '198.51.100.7, 10.0.0.2',
  },
  'a trusted proxy that says nothing is the client': {
    peer: '10.0.0.2',
    headers: [],
    client: '10.0.0.2',
    chain: '10.0.0.2',
  },
}
for (const [name, { peer, headers, client, chain }] of Object.entries(chains)) {
  test(name, async (t) => {
    t.same(forwardedFor(peer, headers, trusted), { clientAddress: client, chain })
  })
}
