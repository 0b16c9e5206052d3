/** Keys of a provider's directory: what is taken, and each refusal with its place and what to write instead. */

import { generateKeyPairSync } from 'node:crypto'
import { test } from 'tap'
import { readServiceAccount } from '../../src/support/service-account.ts'
import { GOOD, GOOD_CONFIG, load } from './config-folder.ts'

const TOKEN = '00QCjAl4MlV-WPXM_ABCDEFGHIJ0123456789abcdef'
const PEM = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
})

const withDirectory = (keys: object, more = '') => ({
  ...GOOD,
  'gatehouse.yaml': GOOD_CONFIG.replace(
    'client_id: 0oa1',
    () => `client_id: 0oa1\n${more}    directory: ${JSON.stringify(keys)}`,
  ),
})

const OKTA = { kind: 'okta', url: 'https://acme.okta.com' }

test('each kind of credentials is taken, as a secret, with the defaults around it', async (t) => {
  const credentials = [
    { api_token: TOKEN },
    { service_account: Buffer.from(JSON.stringify({ api_key: TOKEN })).toString('base64') },
    { service_app: { client_id: '0oa2', private_key: PEM } },
  ]
  for (const one of credentials) {
    const { snapshot, lines } = await load(t, withDirectory({ ...OKTA, ...one }))
    t.same(lines, [])
    const directory = snapshot?.config.providers['okta']?.directory
    t.match(directory, { refresh: 300_000, max_stale: 3_600_000, rate_limit_share: 50 })
    t.notMatch(JSON.stringify(directory), TOKEN)
    t.notMatch(JSON.stringify(directory), 'PRIVATE KEY')
  }
})

const refused = {
  'no credentials': [
    OKTA,
    '`directory` needs credentials: one of `api_token`, `service_account`, `service_app`',
  ],
  'two kinds of credentials': [
    { ...OKTA, api_token: TOKEN, service_account: TOKEN },
    '`directory` takes only one of `api_token`, `service_account`, `service_app`',
  ],
  'a service account that is none': [
    { ...OKTA, service_account: Buffer.from('{"key":"x"}').toString('base64') },
    '`service_account` must be base64 of `{"api_key": "..."}`, or an API token',
  ],
  'a private key that is none': [
    { ...OKTA, service_app: { client_id: '0oa2', private_key: 'x' } },
    '`private_key` must be a private key in PEM without passphrase, or a private JWK',
  ],
  'a URL with a path': [
    { ...OKTA, url: 'https://acme.okta.com/oauth2/default', api_token: TOKEN },
    "`url` must be the organisation's origin and nothing more, such as `https://acme.okta.com`",
  ],
  'a URL with a name and a password': [
    { ...OKTA, url: 'https://a:b@acme.okta.com', api_token: TOKEN },
    "`url` must be the organisation's origin and nothing more, such as `https://acme.okta.com`",
  ],
  'http beyond loopback': [
    { ...OKTA, url: 'http://acme.okta.com', api_token: TOKEN },
    "`url` must be https: the credentials of the directory go there; the provider's `allow_http: true` overrides that",
  ],
  'answers that are unknown before they are old': [
    { ...OKTA, api_token: TOKEN, refresh: '10m', max_stale: '5m' },
    '`max_stale` must not be shorter than `refresh`',
  ],
  'answers that nobody keeps': [
    { ...OKTA, api_token: TOKEN, refresh: '1s' },
    '`refresh` must be `5s` or more',
  ],
  'a share of more than all': [
    { ...OKTA, api_token: TOKEN, rate_limit_share: 101 },
    '`rate_limit_share` must be at most 100',
  ],
  'a directory of another kind': [
    { ...OKTA, kind: 'ldap', api_token: TOKEN },
    '`kind` must be `okta`',
  ],
} as const

for (const [name, [keys, message]] of Object.entries(refused)) {
  test(`refused: ${name}`, async (t) => {
    const { snapshot, lines } = await load(t, withDirectory(keys))
    t.equal(snapshot, undefined)
    t.equal(lines.length, 1)
    t.match(lines[0], /^gatehouse\.yaml:7:\d+: /)
    t.equal(lines[0]?.replace(/^[^ ]+ /, ''), message)
  })
}

test('refused: an event hook secret that can be guessed', async (t) => {
  const { lines } = await load(
    t,
    withDirectory({ ...OKTA, api_token: TOKEN }, '    event_hook_secret: short\n'),
  )
  t.same(lines, ['gatehouse.yaml:7:24: `event_hook_secret` must have 16 characters or more'])
})

test('a service account is read in every spelling that Pomerium takes', async (t) => {
  // A key whose base64 differs between the alphabets.
  const json = JSON.stringify({ api_key: TOKEN, '?>': '???>>>' })
  const base64 = Buffer.from(json).toString('base64')
  t.match(base64, /[+/]/)
  const spellings = [
    base64,
    base64.replaceAll('=', ''),
    Buffer.from(json).toString('base64url'),
    `${Buffer.from(json).toString('base64url')}==`,
    `${base64}\n`,
    `${base64.slice(0, 40)}\n${base64.slice(40)}\n`,
    json,
    TOKEN,
    `${TOKEN}\n`,
  ]
  for (const spelling of spellings) t.equal(readServiceAccount(spelling), TOKEN, spelling)
  const others = ['', '!', 'short', Buffer.from('{}').toString('base64'), '{"api_key": 7}']
  for (const other of others) t.equal(readServiceAccount(other), undefined, other)
})
