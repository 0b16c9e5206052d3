/** The schema of a provider's directory in the config: where groups are asked for by API. */

import { type Static, Type } from 'typebox'
import { closed, Duration, SecretText } from './schema-values.ts'

const ServiceApp = Type.Object(
  {
    client_id: Type.String({ minLength: 1, description: 'Client id of the "API Services" app.' }),
    private_key: SecretText('Its private key, PEM or JWK.'),
    dpop: Type.Boolean({
      default: true,
      description: 'Tokens are bound to a key (RFC 9449), as Okta demands of new apps.',
    }),
  },
  closed,
)

export const DirectoryConfig = Type.Object(
  {
    kind: Type.Literal('okta', { description: 'Whose directory it is.' }),
    url: Type.String({
      'x-expects': 'an origin such as `https://acme.okta.com`',
      description: "The organisation's origin, also where the issuer is a custom one.",
    }),
    api_token: Type.Optional(SecretText('An API token (SSWS) of a read-only admin.')),
    service_account: Type.Optional(
      SecretText('The same as Pomerium has it: base64 of `{"api_key": "..."}`, or the token.'),
    ),
    service_app: Type.Optional(ServiceApp),
    refresh: Duration('An answer older than this is asked again.', '5m'),
    max_stale: Duration('Past this an answer is unknown, not empty.', '1h'),
    rate_limit_share: Type.Integer({
      default: 50,
      minimum: 1,
      maximum: 100,
      description: "Percent of Okta's rate limit that Gatehouse may use.",
    }),
  },
  { ...closed, description: 'Groups by API, joined with those of the claim.' },
)
export type DirectoryConfig = Static<typeof DirectoryConfig>
