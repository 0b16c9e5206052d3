/**
 * The config file's schema: type, check, default and documentation of every key, once.
 * Durations are written `15m` and read as milliseconds, times are read as milliseconds too, and secrets as `Secret`.
 */

import { type Static, Type } from 'typebox'
import type { Secret } from '../support/secret.ts'
import { KubernetesConfig } from './schema-kubernetes.ts'
import { LocalAdminConfig } from './schema-local-admins.ts'
import { ProviderConfig } from './schema-provider.ts'
import { ServerConfig } from './schema-server.ts'
import { closed, Duration, FilePath, Time } from './schema-values.ts'

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
    refresh_before: Duration(
      'Where there is a refresh token, it is used this long before the access token runs out.',
      '1m',
    ),
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

export const ForwardAuthConfig = Type.Object(
  {
    trusted_proxies: Type.Array(Type.String(), {
      default: [],
      description:
        'Addresses or networks of the proxies that may ask for decisions, and are believed about the requests that they ask about.',
    }),
  },
  closed,
)

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
    audit: Type.String({
      default: 'stderr',
      description: 'Where audit events go (docs/audit-events.md): `stdout`, `stderr` or a file.',
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
    forward_auth: ForwardAuthConfig,
    local_admins: Type.Array(LocalAdminConfig, {
      default: [],
      description:
        'Break-glass administrators with a password (docs/break-glass.md); none by default.',
    }),
    brand: BrandConfig,
    logging: LoggingConfig,
    kubernetes: KubernetesConfig,
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
