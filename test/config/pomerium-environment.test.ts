/** Pomerium's environment names fill what the config file leaves out, and nothing else. */

import { test } from 'tap'
import { addPomeriumEnvironment } from '../../src/config/pomerium-environment.ts'
import { formatProblem } from '../../src/support/problem.ts'
import { readYaml } from '../../src/support/yaml-document.ts'

function add(yaml: string, env: Record<string, string>) {
  const document = readYaml('gatehouse.yaml', yaml)
  const { value, problems } = addPomeriumEnvironment(document, document.value, env)
  return { value, problems: problems.map(formatProblem) }
}

const OKTA = {
  IDP_PROVIDER: 'okta',
  IDP_PROVIDER_URL: 'https://acme.okta.com',
  IDP_CLIENT_ID: '0oa1',
  IDP_CLIENT_SECRET: 's3cret',
  IDP_SCOPES: 'openid, profile email',
}

test('all of it, where the file has nothing', async (t) => {
  const env = {
    ...OKTA,
    AUTHENTICATE_SERVICE_URL: 'https://auth.example.com',
    COOKIE_SECRET: 'c2VjcmV0',
  }
  t.strictSame(add('policies: [p]', env).value, {
    policies: ['p'],
    server: { public_url: 'https://auth.example.com' },
    session: { secret: 'c2VjcmV0' },
    providers: {
      okta: {
        issuer: 'https://acme.okta.com',
        client_id: '0oa1',
        client_secret: 's3cret',
        scopes: ['openid', 'profile', 'email'],
      },
    },
  })
})

test('keys of the file stay as they are', async (t) => {
  const yaml =
    'server: { public_url: https://a.example }\nsession: { secret: mine, idle: 1h }\nproviders: { corp: { issuer: https://corp.example, client_id: c } }'
  const env = { ...OKTA, AUTHENTICATE_SERVICE_URL: 'https://b.example', COOKIE_SECRET: 'theirs' }
  t.strictSame(add(yaml, env).value, {
    server: { public_url: 'https://a.example' },
    session: { secret: 'mine', idle: '1h' },
    providers: {
      corp: {
        issuer: 'https://corp.example',
        client_id: 'c',
        client_secret: 's3cret',
        scopes: ['openid', 'profile', 'email'],
      },
    },
  })
})

test('a provider that is public by its own word gets no secret', async (t) => {
  const { value } = add('providers: { okta: { client_auth: none } }', { IDP_CLIENT_SECRET: 'x' })
  t.strictSame(value, { providers: { okta: { client_auth: 'none' } } })
})

test('with several providers the one of that name is meant, or none', async (t) => {
  const yaml = 'providers: { okta: {}, corp: {} }'
  t.strictSame(add(yaml, { IDP_PROVIDER: 'okta', IDP_CLIENT_ID: 'x' }).value, {
    providers: { okta: { client_id: 'x' }, corp: {} },
  })
  t.strictSame(add(yaml, { IDP_CLIENT_ID: 'x' }).value, { providers: { okta: {}, corp: {} } })
})

test('an environment without these names changes nothing', async (t) => {
  t.strictSame(add('server: {}', { HOME: '/', IDP_CLIENT_ID: '' }), {
    value: { server: {} },
    problems: [],
  })
})

test('what cannot be meant is said', async (t) => {
  t.strictSame(add('server: {}', { IDP_PROVIDER: 'google' }).problems, [
    'gatehouse.yaml:1:1: environment variable `IDP_PROVIDER` must be `okta` or `oidc`',
  ])
  const account = { IDP_SERVICE_ACCOUNT: 'x' }
  t.strictSame(add('server: {}', account).problems, [
    'gatehouse.yaml:1:1: environment variable `IDP_SERVICE_ACCOUNT` is for Okta alone: set `IDP_PROVIDER` to `okta`, or unset it',
  ])
  t.match(add('server: {}', { ...OKTA, ...account }).value, {
    providers: {
      okta: { directory: { kind: 'okta', url: 'https://acme.okta.com', service_account: 'x' } },
    },
  })
  t.match(add('server: {}', { SHARED_SECRET: 'x' }).problems, [
    /^gatehouse.yaml:1:1: warning: environment variable `SHARED_SECRET` is ignored/,
  ])
})
