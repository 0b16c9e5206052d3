/** The schema of an audit event: the lines of `logging.audit`. A change that readers must heed gets another `version`. */

import { type Static, Type } from 'typebox'

export const AUDIT_VERSION = 1

const text = (description: string) => Type.String({ description })

export const AuditLine = Type.Object(
  {
    time: Type.String({ format: 'date-time', description: 'When, in UTC.' }),
    level: Type.Literal('info'),
    msg: Type.Literal('audit', { description: 'Tells these lines apart from those of logs.' }),
    version: Type.Literal(AUDIT_VERSION, { description: 'Of this schema.' }),
    event: Type.Union(
      [
        Type.Literal('sign_in'),
        Type.Literal('local_sign_in'),
        Type.Literal('sign_out'),
        Type.Literal('session_ended'),
        Type.Literal('signal_refused'),
        Type.Literal('admin_action'),
        Type.Literal('config_reload'),
      ],
      { description: 'What happened.' },
    ),
    outcome: Type.Union(
      [Type.Literal('success'), Type.Literal('refused'), Type.Literal('failed')],
      {
        description:
          '`refused`: somebody or something was turned away; `failed`: it could not be done.',
      },
    ),
    reason: Type.Optional(text('Why; a code, and of a config that was refused a sentence.')),
    request_id: Type.Optional(text('As in the decision log, of what a request has caused.')),
    source_ip: Type.Optional(text('From where that request came.')),
    provider: Type.Optional(text('Name of the provider in the config, or `local`.')),
    subject: Type.Optional(text('`sub` of the person whom it is about.')),
    email: Type.Optional(text('Their e-mail, where one is known.')),
    session: Type.Optional(text('Hash of the session, as in the decision log.')),
    name: Type.Optional(text('Of `local_sign_in`: the administrator, where there is such a one.')),
    by: Type.Optional(
      Type.Union(
        [
          Type.Literal('person'),
          Type.Literal('admin'),
          Type.Literal('backchannel_logout'),
          Type.Literal('frontchannel_logout'),
          Type.Literal('global_token_revocation'),
          Type.Literal('security_events'),
          Type.Literal('event_hook'),
          Type.Literal('directory'),
          Type.Literal('refresh'),
          Type.Literal('max_per_user'),
          Type.Literal('new_sign_in'),
        ],
        { description: 'Who or what has ended sessions, or tried to.' },
      ),
    ),
    named_by: Type.Optional(
      text('What named the sessions, such as `sub`, `sid`, `user` or `all`.'),
    ),
    named: Type.Optional(text('What `named_by` said, where that is no secret.')),
    sessions: Type.Optional(Type.Integer({ minimum: 0, description: 'How many ended.' })),
    action: Type.Optional(text('Of `admin_action`: `revoke_sessions` or `access`.')),
    revision: Type.Optional(text('Of `config_reload`: what is in force after it.')),
    file: Type.Optional(text('Of a config that was refused: where the mistake is.')),
    line: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  { additionalProperties: false },
)
export type AuditLine = Static<typeof AuditLine>
