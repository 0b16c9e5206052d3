/** The schema of one identity provider in the config. */

import { type Static, Type } from 'typebox'
import { DirectoryConfig } from './schema-directory.ts'
import { closed, FilePath, SecretText } from './schema-values.ts'

export const ProviderConfig = Type.Object(
  {
    issuer: Type.String({ description: 'The issuer exactly as the provider states it.' }),
    client_id: Type.String({ minLength: 1, description: 'Client id of the app at the provider.' }),
    client_secret: Type.Optional(SecretText('Client secret; left out: a public client with PKCE.')),
    client_auth: Type.Optional(
      Type.Union(
        [
          Type.Literal('client_secret_basic'),
          Type.Literal('client_secret_post'),
          Type.Literal('private_key_jwt'),
          Type.Literal('none'),
        ],
        {
          description:
            'How the client proves itself; default client_secret_basic, without a secret none.',
        },
      ),
    ),
    private_key: Type.Optional(
      SecretText(
        'For `client_auth: private_key_jwt`: a private key in PEM, or a JWK with its `kid`.',
      ),
    ),
    scopes: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description:
          'Sent as written. Default: openid profile email, and groups if the issuer lists it.',
      }),
    ),
    redirect_path: Type.String({
      default: '/oauth2/callback',
      pattern: '^/',
      'x-expects': 'a path such as `/oauth2/callback`',
      description: 'Path on `server.public_url` that the provider sends people back to.',
    }),
    post_logout_redirect_uri: Type.Optional(
      Type.String({
        description: 'Where the provider sends people after sign-out; sent byte for byte.',
      }),
    ),
    groups_claim: Type.Union(
      [Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })],
      {
        default: 'groups',
        description: 'Name of the claim that holds the groups, or a list of names.',
      },
    ),
    groups_claim_kind: Type.Union([Type.Literal('names'), Type.Literal('ids')], {
      default: 'names',
      description:
        'What that claim holds; `check` refuses group ids against names, and the reverse, where they would never hold.',
    }),
    email_domains: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description:
          'E-mails outside these domains are ignored; who gives an e-mail within signs in with this provider.',
      }),
    ),
    allow_unverified_email: Type.Boolean({
      default: false,
      description: 'Opt-out: take an e-mail as known although `email_verified` is not true.',
    }),
    allow_http: Type.Boolean({
      default: false,
      description: 'Opt-out: http issuer or endpoints beyond loopback.',
    }),
    pushed_authorization_requests: Type.Union(
      [Type.Literal('auto'), Type.Literal(true), Type.Literal(false)],
      {
        default: 'auto',
        description:
          'Hand sign-in requests to the provider directly (RFC 9126); `auto`: where it demands that.',
      },
    ),
    dpop: Type.Boolean({
      default: false,
      description: 'Bind the tokens of a session to a key of its own (RFC 9449).',
    }),
    ca_file: Type.Optional(
      FilePath('PEM file of certificate authorities that are trusted for this provider besides.'),
    ),
    event_hook_secret: Type.Optional(
      SecretText(
        "What Okta's event hook sends as `Authorization`; it tells of changed groups and suspended people at once.",
      ),
    ),
    directory: Type.Optional(DirectoryConfig),
    display_name: Type.Optional(
      Type.String({ minLength: 1, description: 'Name on the chooser page.' }),
    ),
  },
  closed,
)
export type ProviderConfig = Static<typeof ProviderConfig>
