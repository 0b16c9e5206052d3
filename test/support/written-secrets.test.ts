import { test } from 'tap'
import { refuseSecretsIn, secretsIn, secretsOf } from './written-secrets.ts'

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl'

for (const [name, text] of Object.entries({
  'a token': `{"token":"${JWT}"}`,
  'a cookie': '{"cookie":"__Host-gatehouse=AbCdEfGhIjKlMnOpQrSt"}',
  'a cookie of a sign-in': '{"cookie":"gatehouse-signin-Ab12=AbCdEfGhIjKlMnOpQrSt"}',
  'a code in an address': 'GET /oauth2/callback?code=4/abcdef&x=1',
  'a state in an address': 'GET /x?a=b&state=abcdef',
  'a bearer token': 'Authorization: Bearer 0123456789abcdef0123',
  'a secret that the config names': 'the client secret is a-long-client-secret',
})) {
  test(`${name} in a log is found`, async (t) => {
    t.equal(secretsIn(text, ['a-long-client-secret']).length, 1)
  })
}

test('a usual line of a log holds nothing of it', async (t) => {
  const line =
    '{"time":"2026-03-02T09:00:00.000Z","msg":"request","path":"/oauth2/callback","session":"q83vEjRWeJq83vEjRWeJ","detail":"BAD_TOKEN: Bearer"}'
  t.strictSame(secretsIn(line, ['a-long-client-secret']), [])
})

test('the secrets of a config are found wherever they stand', async (t) => {
  const config = {
    session: { secret: ['the-first-secret', 'the-second-secret'], store: 'memory:' },
    providers: {
      okta: { client_secret: 'a-client-secret', directory: { api_token: 'an-api-token' } },
    },
    local_admins: [{ name: 'root', password_hash: 'scrypt:16384:8:1:salt:hash' }],
    server: { admin_token: 'short' },
  }
  t.strictSame(secretsOf(config), [
    ...['the-first-secret', 'the-second-secret', 'a-client-secret', 'an-api-token'],
    'scrypt:16384:8:1:salt:hash',
  ])
})

test('an answer with a cookie of ours is refused, any other is taken', async (t) => {
  const told = 'cookie: __Host-gatehouse=AbCdEfGhIjKlMnOpQrSt'
  t.throws(() => refuseSecretsIn(told, 'http://app.localhost/'), /in the answer of http:/)
  t.equal(refuseSecretsIn('Signed in as Ana', 'http://app.localhost/'), 'Signed in as Ana')
})
