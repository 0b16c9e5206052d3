/** The schema of a route: what editors complete and check from. */

import { type TSchema, Type } from 'typebox'
import { DURATION_PATTERN } from '../../support/duration.ts'
import { closed, named, ref, Text, Texts } from './schema-parts.ts'

const HEADER_NAME = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"

const flag = (description: string, byDefault = false) =>
  Type.Optional(Type.Boolean({ default: byDefault, description }))
const duration = (description: string, byDefault?: string) =>
  Type.Optional(
    Type.String({
      pattern: DURATION_PATTERN,
      ...(byDefault === undefined ? {} : { default: byDefault }),
      description,
    }),
  )
const text = (description: string) => Type.Optional({ ...Text, description })
const texts = (description: string) => Type.Optional({ ...Texts, description })
const pathText = (description: string) => Type.Optional(Type.String({ pattern: '^/', description }))

const number = (description: string, minimum: number, maximum: number) =>
  Type.Optional(Type.Integer({ minimum, maximum, description }))
const headerMap = (description: string) =>
  Type.Optional(
    Type.Record(Type.String({ pattern: HEADER_NAME }), Text, { minProperties: 1, description }),
  )
/** `schema` with nothing else, and at least one key. */
const filled = <T extends TSchema>(schema: T, description: string) =>
  Type.Optional({ ...schema, minProperties: 1, description })

const Redirect = Type.Object(
  {
    https: flag('Leads to https.'),
    scheme: Type.Optional(
      Type.Union([Type.Literal('http'), Type.Literal('https')], { description: 'Leads to it.' }),
    ),
    host: text('Leads to this host.'),
    port: number('Leads to this port; without it to that of the scheme.', 1, 65_535),
    path: pathText('Takes the place of the whole path.'),
    prefix_rewrite: pathText('Takes the place of what the route’s `prefix` took of the path.'),
    code: Type.Optional(
      Type.Union(
        [301, 302, 303, 307, 308].map((code) => Type.Literal(code)),
        { default: 302, description: 'Status of the answer.' },
      ),
    ),
    strip_query: flag('Leaves out the query.'),
  },
  closed,
)

const Response = Type.Object(
  {
    status: Type.Optional(
      Type.Integer({ minimum: 200, maximum: 599, default: 200, description: 'Status.' }),
    ),
    body: text('The body, as it is written.'),
    content_type: Type.Optional({
      ...Text,
      default: 'text/plain; charset=utf-8',
      description: 'Media type of the body.',
    }),
  },
  closed,
)

const Upstream = Type.Union([
  Text,
  Type.Object(
    {
      url: { ...Text, description: 'URL of the upstream.' },
      weight: number('Its share of the requests, as a part of the sum of all.', 1, 1_000_000),
    },
    closed,
  ),
])

const HealthCheck = Type.Object(
  {
    path: Type.String({ pattern: '^/', description: 'What is asked for.' }),
    interval: duration('How often.', '10s'),
    timeout: duration('How long an answer may take.', '2s'),
    unhealthy: number('So many failures in a row, and it gets no requests. Default 3.', 1, 100),
    healthy: number('So many good answers in a row, and it gets them again. Default 1.', 1, 100),
  },
  closed,
)

const IdentityHeaders = Type.Object(
  {
    headers: headerMap(
      'Names of headers with the claims that they carry, in place of the config’s.',
    ),
    groups: Type.Optional(
      Type.Union([Type.Literal('named'), Type.Literal('all'), Type.Literal('none')], {
        description: 'Which groups are sent: those that the policy names, all, or none.',
      }),
    ),
  },
  closed,
)

const Bearer = Type.Object(
  {
    provider: Type.String({ minLength: 1, description: 'Provider of the config.' }),
    audience: {
      ...Texts,
      description: 'Audiences (`aud`) of which a token must name one.',
    },
    forward: flag('Passes the token on to the upstream.'),
  },
  closed,
)

const Session = Type.Object(
  {
    lifetime: duration('Sign in again here this long after the last sign-in.'),
    idle: duration('Sign in again here after this long without a request to any route.'),
  },
  closed,
)

export const RouteSchema = Type.Object(
  {
    name: text('What logs, tests and pages call the route; unique. Left out: host and path.'),
    description: text('For people: what is behind it.'),
    logo_url: Type.Optional(
      Type.String({
        pattern: '^[hH][tT][tT][pP][sS]://',
        description: 'Image shown on the portal.',
      }),
    ),
    contact: text('Whom to ask, on pages about this route: e-mail, web address or words.'),
    from: Type.String({
      pattern: '^[hH][tT][tT][pP][sS]?://[^/?#]+/?$',
      description:
        'Scheme and host that browsers ask for; `https://*.example.com` takes one label.',
    }),
    to: Type.Optional(
      Type.Union([Text, Type.Array(Upstream, { minItems: 1 })], {
        description:
          'URL of the upstream (`http://`, `https://`, `h2c://`, `unix:///`), or a list of URLs or `{ url, weight }`.',
      }),
    ),
    load_balancing_policy: Type.Optional(
      Type.Union([Type.Literal('ROUND_ROBIN'), Type.Literal('LEAST_REQUEST')], {
        default: 'ROUND_ROBIN',
        description: 'Which of several upstreams gets a request: each in turn, or the least busy.',
      }),
    ),
    health_check: Type.Optional({
      ...HealthCheck,
      description: 'Asks each upstream regularly, and passes over those that fail.',
    }),
    redirect: filled(Redirect, 'Sends browsers elsewhere, in place of `to`; after the policy.'),
    response: filled(Response, 'Answers by itself, in place of `to`; after the policy.'),
    prefix: pathText('Takes this path and all below it, by segment.'),
    path: pathText('Takes exactly this path.'),
    regex: text('Takes the paths that this RE2 pattern matches as a whole.'),
    prefix_rewrite: pathText('Takes the place of `prefix` on the way upstream, by segment.'),
    regex_rewrite_pattern: text('RE2 pattern: what it matches of the path is replaced upstream.'),
    regex_rewrite_substitution: Type.Optional(
      Type.String({ description: 'What stands there instead; `\\1` is the first group.' }),
    ),
    host_rewrite: text('Host that the upstream is asked for, with a port where it needs one.'),
    allow_public_unauthenticated_access: flag('Lets everyone in without a sign-in.'),
    allow_any_authenticated_user: flag('Lets in everyone who is signed in.'),
    allowed_users: texts('Lets in these people, by e-mail or sub.'),
    allowed_domains: texts('Lets in people with an e-mail of these domains.'),
    allowed_groups: texts('Lets in members of these groups, by name or id.'),
    allowed_idp_claims: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), ref('scalars'), {
        minProperties: 1,
        description: 'Lets in people with one of these values in one of these claims.',
      }),
    ),
    cors_allow_preflight: flag('Lets CORS preflights through without a sign-in.'),
    allow_websockets: flag('Forwards WebSocket upgrades.'),
    websocket_origins: Type.Optional(
      Type.Union([Text, Type.Array(Text, { minItems: 1 })], {
        description: 'Origins besides the route’s own whose pages may open WebSockets; `"*"`: any.',
      }),
    ),
    preserve_host_header: flag('Sends the Host of the request instead of the upstream’s own.'),
    timeout: duration(
      'Longest time that the upstream may take to begin its answer. 0s: no limit.',
      '30s',
    ),
    idle_timeout: duration(
      'Ends streams and WebSockets that are quiet for so long. 0s: never.',
      '5m',
    ),
    session: filled(Session, 'Where sessions are to end sooner than the config’s `session` says.'),
    tls_skip_verify: flag('Believes any certificate of the upstream. Dangerous.'),
    tls_custom_ca_file: text('PEM file with the authority that signs the upstream’s certificate.'),
    tls_server_name: text('Host name that the upstream’s certificate must have.'),
    tls_client_cert_file: text('PEM file with the certificate that the upstream is shown.'),
    tls_client_key_file: text('PEM file with the key of that certificate.'),
    set_request_headers: headerMap(
      `Sent upstream; values take \`\${claim.NAME}\`, \`\${jwt}\`, \`\${id_token}\` and \`\${access_token}\`.`,
    ),
    remove_request_headers: texts('Headers of the client that go no further.'),
    set_response_headers: headerMap('Set in answers of the upstream, in place of its own.'),
    identity_headers: filled(IdentityHeaders, 'What of the config’s is another on this route.'),
    pass_identity_headers: flag('Tells the upstream who is signed in.', true),
    provider: text('Identity provider of the config that people of this route sign in with.'),
    bearer: Type.Optional({
      ...Bearer,
      description: 'Admits JWT access tokens of a provider; they go before the session.',
    }),
    encoded_slashes: Type.Optional(
      Type.Union([Type.Literal('reject'), Type.Literal('keep')], {
        default: 'reject',
        description: 'Whether `%2F` and `%5C` in paths are refused, or kept as they are.',
      }),
    ),
    hsts: Type.Optional(
      Type.Unsafe<string>({
        type: 'string',
        pattern: DURATION_PATTERN,
        description: 'Strict-Transport-Security in place of `server.hsts`; 0s: none.',
      }),
    ),
    report_only: flag('Lets everyone through, and logs what the policy would have done.'),
    policy: Type.Optional(named(ref('policy'), 'Who may pass, and who may not.')),
  },
  { ...closed, description: 'A host and path, the upstream behind it, and who may pass.' },
)
