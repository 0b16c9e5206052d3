/**
 * The config file's schema: type, check, default and documentation of every key, once.
 * Durations are written `15m` and read as milliseconds, times are read as milliseconds too, and secrets as `Secret`.
 */

import { type Static, Type } from 'typebox'
import type { Secret } from '../support/secret.ts'
import { ProviderConfig } from './schema-provider.ts'
import { closed, Duration, FilePath, SecretText, Time } from './schema-values.ts'

const ADDRESS = 'an address and port such as `127.0.0.1:8080`'

const TlsCertificate = Type.Object(
  {
    cert: FilePath('PEM file with the certificate and its chain.'),
    key: FilePath('PEM file with the private key.'),
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

export const SessionConfig = Type.Object(
  {
    secret: Type.Optional(
      Type.Unsafe<readonly Secret[]>({
        anyOf: [
          { type: 'string', minLength: 1 },
          { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
        ],
        'x-kind': 'secrets',
        description: '32 bytes or more, base64 or hex; a list rotates: the first seals, all open.',
      }),
    ),
    store: Type.String({
      default: 'memory:',
      description:
        '`memory:`, `sqlite:///ABSOLUTE`, `sqlite:RELATIVE`, or Redis: `redis://[user:pass@]host:port[/db]` and the others of docs/sessions.md.',
    }),
    lifetime: Duration('Sign in again after this long, however active.', '14h'),
    idle: Duration('Sign in again after this long without a request.', '1h'),
    max_per_user: Type.Integer({
      default: 20,
      minimum: 1,
      description: 'Sessions that a person may have at once; past it the oldest ends.',
    }),
    not_before: Type.Optional(
      Time('Older sessions are refused; for use after the store was restored from a backup.'),
    ),
  },
  closed,
)
export type SessionConfig = Static<typeof SessionConfig>

export const IdentityHeadersConfig = Type.Object(
  {
    headers: Type.Record(Type.String(), Type.String({ minLength: 1 }), {
      default: {
        'X-Forwarded-User': 'sub',
        'X-Forwarded-Email': 'email',
        'X-Forwarded-Preferred-Username': 'preferred_username',
        'X-Forwarded-Groups': 'groups',
      },
      description: 'Headers sent upstream; a value is the name of a claim.',
    }),
    groups: Type.Union([Type.Literal('named'), Type.Literal('all'), Type.Literal('none')], {
      default: 'named',
      description: "Which groups are sent: those that the route's policy names, all, or none.",
    }),
    assertion: Type.String({
      default: 'X-Gatehouse-Jwt-Assertion',
      description: 'Header of the signed assertion.',
    }),
    preset: Type.Union(
      [Type.Literal('none'), Type.Literal('pomerium'), Type.Literal('oauth2-proxy')],
      {
        default: 'none',
        description: 'Send the header names of another proxy besides.',
      },
    ),
    signing_key: Type.Optional(
      Type.Unsafe<readonly Secret[]>({
        anyOf: [
          { type: 'string', minLength: 1 },
          { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
        ],
        'x-kind': 'secrets',
        description:
          'ES256 or RS256 private key in PEM; a list rotates: the first signs. Left out: one is made and kept in the store.',
      }),
    ),
  },
  closed,
)
export type IdentityHeadersConfig = Static<typeof IdentityHeadersConfig>

export const BrandConfig = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, description: 'Name on the pages.' })),
    logo: Type.Optional(FilePath('SVG or PNG file shown on the pages.')),
    color: Type.Optional(
      Type.String({
        pattern: '^#[0-9a-fA-F]{6}$',
        'x-expects': 'a colour such as `"#0b5fff"`',
        description: 'Accent colour, as in `"#0b5fff"`.',
      }),
    ),
    contact: Type.Optional(Type.String({ minLength: 1, description: 'Whom to ask for access.' })),
  },
  closed,
)
export type BrandConfig = Static<typeof BrandConfig>

export const LoggingConfig = Type.Object(
  {
    level: Type.Union(
      [Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')],
      { default: 'info', description: 'Least level that is logged to stderr.' },
    ),
    decisions: Type.String({
      default: 'stdout',
      description: 'Where request lines go: `stdout` or a file.',
    }),
  },
  closed,
)
export type LoggingConfig = Static<typeof LoggingConfig>

export const Config = Type.Object(
  {
    server: ServerConfig,
    providers: Type.Record(Type.String(), ProviderConfig, {
      minProperties: 1,
      description:
        'Identity providers by name. The name stands in URLs, logs and policies; `local` is reserved.',
    }),
    session: SessionConfig,
    identity_headers: IdentityHeadersConfig,
    brand: BrandConfig,
    logging: LoggingConfig,
    policies: Type.Array(FilePath('A file or a folder.'), {
      minItems: 1,
      default: ['policies/'],
      description: 'Policy files, or folders of them.',
    }),
  },
  closed,
)
/** The config once loaded: defaults filled in, durations in milliseconds, secrets wrapped, paths absolute. */
export type Config = Static<typeof Config>
