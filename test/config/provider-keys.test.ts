/** Keys of a provider that are refused or taken: each refusal one line that says where it is and what to write instead. */

import { generateKeyPairSync } from 'node:crypto'
import { test } from 'tap'
import { selfSigned } from '../support/self-signed.ts'
import { type Files, GOOD, GOOD_CONFIG, GOOD_POLICY, load } from './config-folder.ts'

interface Case {
  /** Lines of the provider besides those of the good config. */
  readonly keys: string
  readonly files?: Files
  /** All that is reported. */
  readonly lines: readonly string[]
}

const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits }).privateKey
const WEAK_JWK = JSON.stringify(rsa(1024).export({ format: 'jwk' }))

const withKeys = (keys: string) =>
  GOOD_CONFIG.replace('client_id: 0oa1', () => `client_id: 0oa1\n    ${keys}`)

const refused: Record<string, Case> = {
  'private_key_jwt without its key': {
    keys: 'client_auth: private_key_jwt',
    lines: ['gatehouse.yaml:7:18: `client_auth: private_key_jwt` needs `private_key`'],
  },
  'private_key_jwt with a secret besides, and a key that is none': {
    keys: 'client_auth: private_key_jwt\n    private_key: x\n    client_secret: s',
    lines: [
      'gatehouse.yaml:8:18: `private_key` must be a private key in PEM without passphrase, or a private JWK',
      'gatehouse.yaml:9:20: with `client_auth: private_key_jwt` no `client_secret` is sent; remove it',
    ],
  },
  'a private key that nothing uses': {
    keys: `private_key: '${WEAK_JWK}'`,
    lines: [
      'gatehouse.yaml:7:18: `private_key` is for `client_auth: private_key_jwt`',
      'gatehouse.yaml:7:18: `private_key` must be an RSA key of 2048 bits or more, an EC key on P-256, P-384 or P-521, or an Ed25519 key',
    ],
  },
  'e-mail domains that are none': {
    keys: 'email_domains: ["@example.com", "*.example.com", "müller.example", "a.example"]',
    lines: [21, 37, 54].map(
      (column) =>
        `gatehouse.yaml:7:${column}: \`email_domains\` holds domains such as \`example.com\`, without \`@\`, and in their ASCII form`,
    ),
  },
  'no e-mail domains at all': {
    keys: 'email_domains: []',
    lines: ['gatehouse.yaml:7:20: `email_domains` must not be empty'],
  },
  'a ca_file that is none': {
    keys: 'ca_file: ca.pem',
    files: { 'ca.pem': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
    lines: ['gatehouse.yaml:7:14: `ca_file` must be a file with one or more PEM certificates'],
  },
  'a ca_file that is not there': {
    keys: 'ca_file: ca.pem',
    lines: ['gatehouse.yaml:7:14: cannot read `ca_file`: no such file'],
  },
  'pushed requests with another word': {
    keys: 'pushed_authorization_requests: always',
    lines: [
      'gatehouse.yaml:7:36: `pushed_authorization_requests` must be one of `auto`, `true`, `false`',
    ],
  },
}

for (const [name, { keys, files, lines }] of Object.entries(refused)) {
  test(`refused: ${name}`, async (t) => {
    const result = await load(t, { ...GOOD, 'gatehouse.yaml': withKeys(keys), ...files })
    t.equal(result.snapshot, undefined)
    t.strictSame(result.lines, lines)
  })
}

const indented = (text: string) => text.trim().replaceAll('\n', '\n      ')
const pem = (type: 'pkcs8' | 'pkcs1') => String(rsa(2048).export({ type, format: 'pem' }))
const ed25519 = JSON.stringify({
  ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }),
  kid: 'key-1',
})

const taken: Record<string, Omit<Case, 'lines'>> = {
  'a private key in PEM': {
    keys: `client_auth: private_key_jwt\n    private_key: |\n      ${indented(pem('pkcs8'))}`,
  },
  'a private key in its older PEM': {
    keys: `client_auth: private_key_jwt\n    private_key: |\n      ${indented(pem('pkcs1'))}`,
  },
  'a private JWK': { keys: `client_auth: private_key_jwt\n    private_key: '${ed25519}'` },
  'e-mail domains': { keys: 'email_domains: [example.com, Example.ORG, xn--mller-kva.example]' },
  'tokens bound to a key': { keys: 'dpop: true' },
  'pushed requests': { keys: 'pushed_authorization_requests: true' },
  'no pushed requests': { keys: 'pushed_authorization_requests: false' },
  'pushed requests on demand': { keys: 'pushed_authorization_requests: auto' },
}
for (const [name, { keys }] of Object.entries(taken)) {
  test(`taken: ${name}`, async (t) => {
    const result = await load(t, { ...GOOD, 'gatehouse.yaml': withKeys(keys) })
    t.strictSame(result.lines, [])
    t.ok(result.snapshot)
  })
}

test('the authorities of a provider are read at load', async (t) => {
  const ca = selfSigned(['idp.example.com']).cert + selfSigned(['other.example.com']).cert
  const config = withKeys('ca_file: ca.pem')
  const { snapshot } = await load(t, { ...GOOD, 'gatehouse.yaml': config, 'ca.pem': ca })
  t.strictSame([...(snapshot?.providerCas ?? [])], [['okta', ca]])
})

test('e-mail domains keep the people of two providers apart, so that rules may compare e-mails', async (t) => {
  const second = (domains: string) =>
    `email_domains: [example.com]\n  corp:\n    issuer: https://corp.example\n    client_id: x\n    redirect_path: /corp${domains}`
  const linesWith = async (domains: string) =>
    (
      await load(t, {
        ...GOOD,
        'gatehouse.yaml': withKeys(second(domains)),
        policies: {
          'app.yaml': GOOD_POLICY,
          'by-email.yaml':
            'routes: [{ from: "https://mail.example.com", to: "http://127.0.0.1:9", allowed_domains: [example.com] }]',
        },
      })
    ).lines
  t.match(await linesWith(''), [/two providers may give/])
  t.strictSame(await linesWith('\n    email_domains: [corp.example]'), [])
})
