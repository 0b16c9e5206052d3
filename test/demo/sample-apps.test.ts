import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { type Test, test } from 'tap'
import { startSampleApp } from '../../src/demo/sample-apps.ts'
import { head, rawRequest } from '../support/raw-request.ts'
import { startUpstream } from '../support/start-upstream.ts'

const ORIGIN = 'http://hello.localhost:8080'
const PUBLIC_URL = 'http://localhost:8080'

/** An app, and a gateway's key set with the key that signs for it. */
async function startApp(t: Test) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }
  const keys = await startUpstream(t, {
    handler: (_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ keys: [jwk] }))
    },
  })
  const app = await startSampleApp({
    title: 'Hello',
    origin: ORIGIN,
    otherApp: { title: 'Reports', origin: 'http://reports.localhost:8080' },
    publicUrl: PUBLIC_URL,
    jwksUrl: `${keys.origin}/.gatehouse/jwks.json`,
  })
  t.teardown(app.close)
  const sign = (claims: Record<string, unknown> = {}, expiry: string = '5m') =>
    new SignJWT({ iss: PUBLIC_URL, aud: ORIGIN, sub: 'demo-ana', name: 'Ana Ferreira', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'JWT' })
      .setIssuedAt()
      .setExpirationTime(expiry)
      .sign(privateKey)
  const ask = async (headers: Record<string, string>) => {
    const response = await fetch(`${app.origin}/some/path?q`, {
      headers: { accept: 'application/json', ...headers },
    })
    return (await response.json()) as Record<string, unknown>
  }
  return { app, sign, ask, keys }
}

test('an app knows name, e-mail and groups from what Gatehouse sends', async (t) => {
  const { sign, ask } = await startApp(t)
  t.match(
    await ask({
      'x-gatehouse-jwt-assertion': await sign(),
      'x-forwarded-email': 'ana@example.com',
      'x-forwarded-groups': 'platform-engineers,a%2Cb,d%C3%B3ra',
    }),
    {
      app: 'Hello',
      path: '/some/path',
      name: 'Ana Ferreira',
      email: 'ana@example.com',
      groups: ['platform-engineers', 'a,b', 'dóra'],
      assertion: { kind: 'verified', claims: { sub: 'demo-ana' } },
    },
  )
})

test('an app refuses an assertion that does not hold, and says why', async (t) => {
  const { sign, ask } = await startApp(t)
  const cases = {
    'unexpected "iss" claim value': await sign({ iss: 'http://evil.example' }),
    'unexpected "aud" claim value': await sign({ aud: 'http://reports.localhost:8080' }),
    '"exp" claim timestamp check failed': await sign({}, '-1m'),
    'signature verification failed': `${(await sign()).slice(0, -4)}AAAA`,
    'Invalid Compact JWS': 'nonsense',
  }
  for (const [why, assertion] of Object.entries(cases)) {
    const visit = await ask({ 'x-gatehouse-jwt-assertion': assertion })
    t.equal((visit['assertion'] as { why: string }).why, why)
    t.equal(visit['name'], undefined)
  }
})

test('an app says when the keys cannot be fetched', async (t) => {
  const { sign, ask, keys } = await startApp(t)
  await keys.close()
  t.match(await ask({ 'x-gatehouse-jwt-assertion': await sign() }), {
    assertion: { kind: 'refused', why: /could not be fetched/ },
  })
})

test('an identity header that came twice is not believed', async (t) => {
  const { app } = await startApp(t)
  const answer = await rawRequest(
    app.port,
    head(
      'GET / HTTP/1.1',
      'Host: a',
      'Accept: application/json',
      'X-Forwarded-Email: a@example.com',
      'X-Forwarded-Email: b@example.com',
    ),
  )
  t.notMatch(answer.body, /"email"/)
})

test('the page greets, escapes what it shows, and links to the other app, session and sign-out', async (t) => {
  const { app, sign } = await startApp(t)
  const response = await fetch(app.origin, {
    headers: {
      accept: 'text/html',
      'x-gatehouse-jwt-assertion': await sign({ name: '<b>Ana</b>' }),
      'x-forwarded-groups': 'platform-engineers',
      'x-odd': '"><script>',
    },
  })
  const html = await response.text()
  t.match(html, '<h1>Hello, &lt;b&gt;Ana&lt;/b&gt;</h1>')
  t.match(html, '<span class="tag">platform-engineers</span>')
  t.match(html, 'The assertion verifies.')
  t.notMatch(html, '<script>')
  for (const link of ['http://reports.localhost:8080/', '/.gatehouse/', '/.gatehouse/sign_out']) {
    t.match(html, `href="${link}"`)
  }
  t.match(response.headers.get('content-security-policy'), "default-src 'none'")
})

test('without an identity the page says that none was sent', async (t) => {
  const { app } = await startApp(t)
  const html = await (await fetch(app.origin)).text()
  t.match(html, 'Hello, whoever you are')
  t.match(html, 'No assertion came.')
})
