/**
 * What Okta sends to an app by itself: event hooks, Universal Logout, Shared Signals, and the addresses that its dashboard
 * and its sign-out page open in the browser. One small function for each; what is signed is signed with the stand-in's keys.
 */

import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { OktaApp } from './app-settings.ts'
import type { KeyRing } from './key-ring.ts'
import type { World } from './world.ts'

/** One HTTP request, ready to be sent. */
export interface Signal {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

export interface SignalAnswer {
  readonly status: number
  readonly body: string
}

export type SendSignal = (signal: Signal) => Promise<SignalAnswer>

/** An entry of Okta's system log, as far as hooks tell of it. */
export interface LogEvent {
  readonly uuid: string
  readonly published: string
  readonly eventType: string
  readonly target: readonly { readonly id: string; readonly type: string }[]
}

export interface SignalsOptions {
  readonly org: string
  readonly app: OktaApp
  readonly keys: KeyRing
  readonly world: World
  readonly now: () => number
  readonly send: SendSignal
}

/** Claims in place of the right ones; `undefined` takes one out. */
export type Forged = Readonly<Record<string, unknown>>

const SET_EVENTS = {
  'session-revoked': 'https://schemas.openid.net/secevent/caep/event-type/session-revoked',
  'credential-change': 'https://schemas.openid.net/secevent/caep/event-type/credential-change',
  verification: 'https://schemas.openid.net/secevent/ssf/event-type/verification',
} as const

export type Signals = ReturnType<typeof createSignals>

export function createSignals(options: SignalsOptions) {
  const { org, app, keys, world, now, send } = options
  const seconds = () => Math.floor(now() / 1_000)
  const post = (url: string, headers: Record<string, string>, body: string) =>
    send({ method: 'POST', url, headers, body })
  const event = (eventType: string, target: LogEvent['target']): LogEvent => ({
    uuid: randomUUID(),
    published: new Date(now()).toISOString(),
    eventType,
    target,
  })
  const userTarget = (who: string) => {
    const user = world.findUser(who)
    const alternateId = user?.person.email ?? who
    const displayName = user?.person.name ?? who
    return { id: user?.id ?? who, type: 'User', alternateId, displayName }
  }

  return {
    /** `group.user_membership.add` or `.remove`. */
    membershipEvent: (who: string, group: string, kind: 'add' | 'remove') =>
      event(`group.user_membership.${kind}`, [
        userTarget(who),
        { ...{ id: world.groupId(group), type: 'UserGroup', displayName: group } },
      ]),

    /** Any event about a person, such as `user.lifecycle.suspend`. */
    userEvent: (who: string, eventType: string) => event(eventType, [userTarget(who)]),

    /** The one-time check of a new hook: the answer has to say what the header says. */
    verifyEventHook: (url: string, secret: string, challenge: string = randomUUID()) =>
      send({
        method: 'GET',
        url,
        headers: { 'x-okta-verification-challenge': challenge, authorization: secret },
        body: undefined,
      }),

    /** Delivers events; the same ones again are what Okta's retry is. */
    sendEventHook: (url: string, secret: string, events: readonly LogEvent[]) =>
      post(
        url,
        { 'content-type': 'application/json', authorization: secret },
        JSON.stringify({
          eventType: 'com.okta.event_hook',
          eventTypeVersion: '1.0',
          cloudEventsVersion: '0.1',
          eventId: randomUUID(),
          eventTime: new Date(now()).toISOString(),
          source: `${org}/api/v1/eventHooks/who1standin`,
          contentType: 'application/json',
          data: { events },
        }),
      ),

    /** Global Token Revocation, which Okta calls Universal Logout. */
    universalLogout: async (
      url: string,
      who: string,
      format: 'email' | 'iss_sub' = 'email',
      forged: { readonly claims?: Forged; readonly typ?: string; readonly body?: unknown } = {},
    ) => {
      const token = await keys.sign(
        claims(
          {
            jti: randomUUID(),
            iss: org,
            sub: app.clientId,
            aud: url.replace(/[?#].*/, ''),
            iat: seconds(),
            nbf: seconds() - 300,
            exp: seconds() + 300,
          },
          forged.claims,
        ),
        { typ: forged.typ ?? 'global-token-revocation+jwt' },
      )
      const { id, alternateId } = userTarget(who)
      const subject =
        format === 'email' ? { format, email: alternateId } : { format, iss: org, sub: id }
      return post(
        url,
        { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        JSON.stringify(forged.body ?? { sub_id: subject }),
      )
    },

    /** A Security Event Token, pushed (RFC 8935); its subject stands inside the event, as Okta has it. */
    securityEvent: async (
      url: string,
      kind: keyof typeof SET_EVENTS,
      who: string,
      { audience = url, ...forged }: { audience?: string; claims?: Forged; typ?: string } = {},
    ) => {
      const details =
        kind === 'verification'
          ? { state: randomUUID() }
          : {
              subject: { format: 'iss_sub', iss: org, sub: userTarget(who).id },
              event_timestamp: now(),
              initiating_entity: 'admin',
            }
      const token = await keys.sign(
        claims(
          {
            iss: org,
            jti: randomUUID(),
            iat: seconds(),
            aud: audience,
            events: { [SET_EVENTS[kind]]: details },
          },
          forged.claims,
        ),
        { typ: forged.typ ?? 'secevent+jwt' },
      )
      return post(url, { 'content-type': 'application/secevent+jwt' }, token)
    },

    /** What Okta's sign-out page loads in a hidden frame. */
    frontchannelLogoutUrl: (sid: string, issuer = org) =>
      withQuery(app.frontchannelLogoutUri ?? '', { iss: issuer, sid }),

    /** Where the tile on the dashboard leads. `iss` is the organisation's, whatever server the app uses. */
    tileUrl: () => withQuery(app.initiateLoginUri ?? '', { iss: org }),
  }
}

/** JSON leaves out what is undefined: a claim can be removed so. */
function claims(right: JWTPayload, forged: Forged | undefined): JWTPayload {
  return JSON.parse(JSON.stringify({ ...right, ...forged })) as JWTPayload
}

function withQuery(address: string, parameters: Readonly<Record<string, string>>): string {
  const url = new URL(address)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

/** Sends by `fetch`, for at most three seconds, as Okta's event hooks do. */
export async function sendByFetch({ method, url, headers, body }: Signal): Promise<SignalAnswer> {
  const response = await fetch(url, {
    method,
    headers,
    redirect: 'manual',
    signal: AbortSignal.timeout(3_000),
    ...(body === undefined ? {} : { body }),
  })
  return { status: response.status, body: await response.text() }
}
