/** Certificates and keys are proved to fit at load, and a rotated one is another revision. */

import { X509Certificate } from 'node:crypto'
import { test } from 'tap'
import { selfSigned } from '../support/self-signed.ts'
import { type Files, GOOD, GOOD_CONFIG, load } from './config-folder.ts'

const NOW = Date.parse('2026-03-02T09:00:00Z')
const DATES = { notBefore: new Date(NOW - 1000), notAfter: new Date(NOW + 1000) }
const one = selfSigned(['auth.example.com'], DATES)
const other = selfSigned(['auth.example.com'], DATES)
const config = GOOD_CONFIG.replace('server:', 'server:\n  tls: [{ cert: a.crt, key: a.key }]')

function withPair(cert: string, key: string): Files {
  return { ...GOOD, 'gatehouse.yaml': config, 'a.crt': cert, 'a.key': key }
}

test('a pair that fits is read', async (t) => {
  const { snapshot, lines } = await load(t, withPair(one.cert, one.key), { now: () => NOW })
  t.strictSame(lines, [])
  t.equal(snapshot?.tls[0]?.cert, one.cert)
  t.equal(snapshot?.tls[0]?.key.reveal(), one.key)
  t.match(new X509Certificate(one.cert).subjectAltName, /DNS:auth\.example\.com/)
})

test('a key of another certificate is refused', async (t) => {
  const { snapshot, lines } = await load(t, withPair(one.cert, other.key), { now: () => NOW })
  t.equal(snapshot, undefined)
  t.strictSame(lines, [
    'gatehouse.yaml:2:29: `key` is not the private key of the certificate in `cert`',
  ])
})

test('a certificate out of its time is warned about', async (t) => {
  const files = withPair(one.cert, one.key)
  const late = await load(t, files, { now: () => NOW + 2000 })
  t.strictSame(late.lines, ['gatehouse.yaml:2:17: warning: the certificate in `cert` has expired'])
  const early = await load(t, files, { now: () => NOW - 2000 })
  t.strictSame(early.lines, [
    'gatehouse.yaml:2:17: warning: the certificate in `cert` is not valid yet',
  ])
})

test('a rotated certificate is another revision', async (t) => {
  const before = await load(t, withPair(one.cert, one.key), { now: () => NOW })
  const after = await load(t, withPair(other.cert, other.key), { now: () => NOW })
  t.not(after.snapshot?.revision, before.snapshot?.revision)
})
