/** The section `server` of the config file. */

import { type Static, Type } from 'typebox'
import { closed, Duration, FilePath, RateText, SecretText } from './schema-values.ts'

const ADDRESS = 'an address and port such as `127.0.0.1:8080`'

const TlsCertificate = Type.Object(
  {
    cert: FilePath('PEM file with the certificate and its chain.'),
    key: FilePath('PEM file with the private key.'),
  },
  closed,
)

const limit = (byDefault: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ default: byDefault, minimum, maximum, description })

const Limits = Type.Object(
  {
    headers: limit(100, 10, 1_000, 'Headers of a request; more are answered 431.'),
    header_bytes: limit(32_768, 1_024, 1_048_576, 'Bytes of all of them; more are answered 431.'),
    url_bytes: limit(16_384, 256, 1_048_576, 'Bytes of path and query; more are answered 414.'),
    header_timeout: Duration('How long the head of a request may take; longer is 408.', '10s'),
    body_timeout: Duration(
      'How long a client may be silent in the middle of a body; longer is 408.',
      '60s',
    ),
    requests_per_connection: limit(
      10_000,
      1,
      1_000_000_000,
      'Requests after which a connection is closed in good order.',
    ),
  },
  { ...closed, description: 'What a client may send at most, and how long it may take.' },
)

const RateLimits = Type.Object(
  {
    sign_in: RateText(
      'Sign-ins begun and ended, and front-channel logouts, from one address.',
      '600/m',
    ),
    local_sign_in: RateText(
      'Tries at a break-glass password, from one address and for one name.',
      '5/m',
    ),
    bearer_failures: RateText('Bearer tokens that do not hold, from one address.', '300/m'),
  },
  { ...closed, description: 'How often something may be tried, as in `600/m`; more is 429.' },
)

export const ServerConfig = Type.Object(
  {
    listen: Type.String({
      default: '127.0.0.1:8080',
      'x-expects': ADDRESS,
      description: 'Address and port for browsers and clients.',
    }),
    public_url: Type.String({
      'x-expects': 'an origin such as `https://auth.example.com`',
      description: 'Origin of sign-in, callbacks and pages, such as `https://auth.example.com`.',
    }),
    admin_listen: Type.String({
      default: '127.0.0.1:9901',
      'x-expects': ADDRESS,
      description: 'Address and port of health, metrics and administration.',
    }),
    admin_token: Type.Optional(
      SecretText(
        'Bearer token for the admin listener; needed beyond loopback for more than health and metrics.',
      ),
    ),
    tls: Type.Optional(
      Type.Array(TlsCertificate, {
        minItems: 1,
        description: 'Certificates, chosen by SNI; reloaded when the files change.',
      }),
    ),
    client_ca: Type.Optional(
      FilePath(
        'PEM file with the authorities of client certificates, for `client_certificate` in policies; clients are asked for one and need none.',
      ),
    ),
    http2: Type.Boolean({
      default: true,
      description: 'Offers HTTP/2 to clients over TLS (ALPN).',
    }),
    h2c: Type.Boolean({
      default: false,
      description:
        'Also takes HTTP/2 without TLS, from clients that begin with it; `Upgrade: h2c` is not heeded.',
    }),
    trusted_proxies: Type.Array(Type.String(), {
      default: [],
      description:
        'Addresses or networks of the proxies in front, whose X-Forwarded-* and request id are believed.',
    }),
    workers: Type.Union([Type.Integer({ minimum: 1, maximum: 256 }), Type.Literal('auto')], {
      default: 1,
      description: 'Processes that serve; `auto`: one per core. More than one need a shared store.',
    }),
    drain_delay: Duration('After SIGTERM, how long new connections are still accepted.', '0s'),
    drain_timeout: Duration('After that, how long requests in flight may take to finish.', '30s'),
    redirect_listen: Type.Optional(
      Type.String({
        'x-expects': ADDRESS,
        description:
          'Address and port that answer plain http with 308 to https, for hosts that are served.',
      }),
    ),
    hsts: Duration(
      'Strict-Transport-Security on https where the upstream sends none; 0s: none.',
      '365d',
    ),
    limits: Limits,
    rate_limits: RateLimits,
    allow_http: Type.Boolean({
      default: false,
      description: 'Opt-out: plain http to browsers, or an http `from`, beyond loopback.',
    }),
    allow_any_proxy: Type.Boolean({
      default: false,
      description: 'Opt-out: trust every peer as a proxy.',
    }),
  },
  closed,
)
export type ServerConfig = Static<typeof ServerConfig>
