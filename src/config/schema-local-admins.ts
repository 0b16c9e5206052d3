/** The schema of `local_admins`: who signs in with a password while no provider can. */

import { type Static, Type } from 'typebox'
import { closed, DateOrTime, SecretText } from './schema-values.ts'

export const LocalAdminConfig = Type.Object(
  {
    name: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
      'x-expects': 'a name of letters, digits, `.`, `_` and `-`',
      description: 'The name to sign in with; as `sub` it is `local:NAME`.',
    }),
    password_hash: SecretText('As `gatehouse hash-password` prints it.'),
    networks: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        description: 'Addresses or networks from which the sign-in is allowed; default anywhere.',
      }),
    ),
    groups: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { description: 'Groups that policies see.' }),
    ),
    expires: Type.Optional(
      DateOrTime('When the account and its sessions end; a date is its beginning in UTC.'),
    ),
  },
  closed,
)
export type LocalAdminConfig = Static<typeof LocalAdminConfig>
