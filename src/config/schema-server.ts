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

const RateLimits = Type.Object(
  {
    sign_in: RateText('Sign-ins begun and ended, from one address.', '600/m'),
    local_sign_in: RateText(
      'Tries at a break-glass password, from one address and for one name.',
      '5/m',
    ),
    bearer_failures: RateText('Bearer tokens that do not hold, from one address.', '300/m'),
  },
  closed,
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
    trusted_proxies: Type.Array(Type.String(), {
      default: [],
      description:
        'Addresses or networks of the proxies in front, whose X-Forwarded-* and request id are believed.',
    }),
    drain_delay: Duration('After SIGTERM, how long new connections are still accepted.', '0s'),
    drain_timeout: Duration('After that, how long requests in flight may take to finish.', '30s'),
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
