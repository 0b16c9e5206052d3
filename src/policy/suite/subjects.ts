/** People as policy tests and `explain` write them, made into the subjects that decisions are about. */

import { type Static, Type } from 'typebox'
import { checkSchema } from '../../support/check-schema.ts'
import { error, hasErrors, type Problem } from '../../support/problem.ts'
import type { EpochMs } from '../../support/time.ts'
import type { YamlDocument, YamlPath } from '../../support/yaml-document.ts'
import { allGroups, UNKNOWN_GROUPS } from '../groups.ts'
import { parseInstant } from '../language/time-texts.ts'
import { ANONYMOUS, type Groups, type Person, type Subject } from '../model.ts'
import type { Route } from '../route.ts'

const closed = { additionalProperties: false }
const Text = Type.String({ minLength: 1 })

export const SubjectGroup = Type.Union([
  Text,
  Type.Object(
    { id: Type.Optional(Text), name: Type.Optional(Text) },
    { ...closed, minProperties: 1 },
  ),
])

export const WrittenSubject = Type.Object(
  {
    sub: Type.Optional(Type.String({ minLength: 1, description: 'The `sub` claim.' })),
    email: Type.Optional(Type.String({ minLength: 1, description: 'E-mail address.' })),
    email_verified: Type.Optional(
      Type.Boolean({ default: true, description: 'False: the e-mail counts as unknown.' }),
    ),
    provider: Type.Optional(
      Type.String({ minLength: 1, description: "The provider's name in the config." }),
    ),
    groups: Type.Optional(
      Type.Union([Type.Literal('unavailable'), Type.Array(SubjectGroup)], {
        description:
          'Groups, each a text (an id or a name, whichever the provider gives) or `{ id, name }`; or `unavailable`.',
      }),
    ),
    acr: Type.Optional(Type.String({ minLength: 1, description: 'The `acr` claim.' })),
    amr: Type.Optional(Type.Array(Text, { description: 'The `amr` claim.' })),
    auth_time: Type.Optional(
      Type.String({
        description: 'When the person last proved themselves, as in `2026-03-02T08:30:00Z`.',
        'x-expects': 'a moment such as 2026-03-02T08:30:00Z',
      }),
    ),
    claims: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Further claims of the ID token.',
      }),
    ),
  },
  { ...closed, description: 'A person; each key may be left out.' },
)
export type WrittenSubject = Static<typeof WrittenSubject>

/** `testdata/subjects.yaml`. */
export const SubjectsFile = Type.Object(
  {
    subjects: Type.Record(Type.String(), WrittenSubject, {
      description: 'People by the names that tests use; `anonymous` is built in.',
    }),
  },
  { ...closed, title: 'Gatehouse test subjects' },
)
export type SubjectsFile = Static<typeof SubjectsFile>

/** People by name; `anonymous` is always among them. */
export type Subjects = ReadonlyMap<string, Subject>

/** The subjects when there is no file of them. */
export const NO_SUBJECTS: Subjects = new Map([['anonymous', ANONYMOUS]])

/** Reads a `subjects.yaml`; an empty one names nobody. */
export function readSubjects(document: YamlDocument): {
  readonly subjects: Subjects
  readonly problems: readonly Problem[]
} {
  if (hasErrors(document.problems)) return { subjects: NO_SUBJECTS, problems: document.problems }
  if (document.value === undefined) return { subjects: NO_SUBJECTS, problems: [] }
  const mistakes = checkSchema(SubjectsFile, document)
  if (hasErrors(mistakes)) return { subjects: NO_SUBJECTS, problems: mistakes }
  const problems: Problem[] = []
  const subjects = new Map<string, Subject>(NO_SUBJECTS)
  const written = (document.value as SubjectsFile).subjects
  for (const [name, data] of Object.entries(written)) {
    const path = ['subjects', name]
    if (name === 'anonymous') {
      problems.push(error(document.keyAt(path), '`anonymous` is built in and means nobody'))
      continue
    }
    const person = readPerson(document, path, data, problems)
    if (person !== undefined) subjects.set(name, person)
  }
  return { subjects, problems }
}

/** Reads one person written inline, as `explain --as '{...}'` takes them. */
export function readInlineSubject(document: YamlDocument): {
  readonly subject: Subject | undefined
  readonly problems: readonly Problem[]
} {
  const problems = [...document.problems]
  if (!hasErrors(problems)) problems.push(...checkSchema(WrittenSubject, document))
  if (hasErrors(problems)) return { subject: undefined, problems }
  const subject = readPerson(document, [], document.value as WrittenSubject, problems)
  return { subject, problems }
}

function readPerson(
  document: YamlDocument,
  path: YamlPath,
  written: WrittenSubject,
  problems: Problem[],
): Person | undefined {
  const { sub = '', email, provider, acr, amr = [] } = written
  const authTime = written.auth_time === undefined ? undefined : parseInstant(written.auth_time)
  if (authTime === undefined && written.auth_time !== undefined) {
    const at = document.valueAt([...path, 'auth_time'])
    problems.push(error(at, '`auth_time` must be a moment such as 2026-03-02T08:30:00Z'))
    return undefined
  }
  return {
    kind: 'person',
    sub,
    provider,
    email: written.email_verified === false ? undefined : email,
    groups: groupsOf(written.groups ?? []),
    claims: claimsOf(written, authTime),
    acr,
    amr,
    authTime,
    steppedUpAt: undefined,
  }
}

function groupsOf(written: NonNullable<WrittenSubject['groups']>): Groups {
  if (written === 'unavailable') return UNKNOWN_GROUPS
  return allGroups(written.map((group) => (typeof group === 'string' ? { name: group } : group)))
}

/** The ID token that would have brought this person; `claims` go last, and so may say otherwise. */
function claimsOf(
  written: WrittenSubject,
  authTime: EpochMs | undefined,
): Readonly<Record<string, unknown>> {
  const { sub, email, acr, amr } = written
  const token = {
    sub,
    email,
    email_verified: email === undefined ? undefined : (written.email_verified ?? true),
    acr,
    amr,
    auth_time: authTime === undefined ? undefined : Math.floor(authTime / 1000),
  }
  const said = Object.entries(token).filter(([, value]) => value !== undefined)
  return { ...Object.fromEntries(said), ...written.claims }
}

/**
 * Whom a route sees: somebody of another provider than the route's own is nobody there, but for those whose
 * access tokens it admits. Of a person without a provider it is taken to be the right one.
 */
export function subjectOnRoute(
  subject: Subject,
  { provider, bearer }: Pick<Route, 'provider' | 'bearer'>,
): Subject {
  if (subject.kind === 'anonymous') return subject
  if (provider === undefined || subject.provider === undefined) return subject
  return [provider, bearer?.provider].includes(subject.provider) ? subject : ANONYMOUS
}
