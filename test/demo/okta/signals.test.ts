import { createRemoteJWKSet, jwtVerify } from 'jose'
import { test } from 'tap'
import type { Signal } from '../../../src/demo/okta/signals.ts'
import { startOkta } from '../../support/start-okta.ts'

const HOOK = 'https://auth.example.com/.gatehouse/event_hook/okta'

test('an event hook is checked, and tells of memberships and of lifecycles', async (t) => {
  const sent: Signal[] = []
  const okta = await startOkta(t, {
    send: async (signal) => {
      sent.push(signal)
      return { status: 204, body: '' }
    },
  })
  await okta.signals.verifyEventHook(HOOK, 'secret', 'abc')
  const events = [
    okta.signals.membershipEvent('ana', 'platform-engineers', 'remove'),
    okta.signals.userEvent('ben', 'user.lifecycle.suspend'),
  ]
  await okta.signals.sendEventHook(HOOK, 'secret', events)
  t.match(sent[0], { method: 'GET', headers: { 'x-okta-verification-challenge': 'abc' } })
  t.match(sent[1], { method: 'POST', headers: { authorization: 'secret' } })
  t.match(JSON.parse(sent[1]?.body ?? ''), {
    eventType: 'com.okta.event_hook',
    data: {
      events: [
        {
          eventType: 'group.user_membership.remove',
          target: [{ id: 'demo-ana', type: 'User' }, { type: 'UserGroup' }],
        },
        { eventType: 'user.lifecycle.suspend', target: [{ id: 'demo-ben' }] },
      ],
    },
  })
})

test('Universal Logout and Shared Signals are signed with the published keys', async (t) => {
  const sent: Signal[] = []
  const okta = await startOkta(t, {
    send: async (signal) => {
      sent.push(signal)
      return { status: 204, body: '' }
    },
  })
  const keys = createRemoteJWKSet(new URL(`${okta.org}/oauth2/v1/keys`))
  const url = 'https://auth.example.com/.gatehouse/global_token_revocation/okta'
  await okta.signals.universalLogout(`${url}?x=1`, 'ana')
  const [, token = ''] = sent[0]?.headers['authorization']?.split(' ') ?? []
  const { payload } = await jwtVerify(token, keys, {
    typ: 'global-token-revocation+jwt',
    issuer: okta.org,
    audience: url,
    subject: okta.app.clientId,
  })
  t.ok(payload.jti)
  t.same(JSON.parse(sent[0]?.body ?? ''), {
    sub_id: { format: 'email', email: 'ana@example.com' },
  })
  await okta.signals.securityEvent('https://auth.example.com/events', 'session-revoked', 'ana')
  t.equal(sent[1]?.headers['content-type'], 'application/secevent+jwt')
  const set = await jwtVerify(sent[1]?.body ?? '', keys, { typ: 'secevent+jwt', issuer: okta.org })
  t.match(Object.values(set.payload['events'] as object), [
    { subject: { format: 'iss_sub', iss: okta.org, sub: 'demo-ana' } },
  ])
})

test('the tile and the hidden frame name the organisation as issuer', async (t) => {
  const okta = await startOkta(t)
  const tile = new URL(okta.signals.tileUrl())
  t.equal(tile.pathname, '/.gatehouse/login/okta')
  t.equal(tile.searchParams.get('iss'), okta.org)
  const frame = new URL(okta.signals.frontchannelLogoutUrl('some-sid'))
  t.same(
    [...frame.searchParams],
    [
      ['iss', okta.org],
      ['sid', 'some-sid'],
    ],
  )
})
