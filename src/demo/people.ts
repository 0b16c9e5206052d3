/** The four people whom the demo knows, in groups that overlap so that each app lets in somebody else. */

export interface Person {
  /** What the picker's form sends. */
  readonly id: string
  readonly sub: string
  readonly name: string
  readonly preferredUsername: string
  readonly email: string
  /** Default true. */
  readonly emailVerified?: boolean
  readonly groups: readonly string[]
  /** One line for whoever picks. */
  readonly about: string
  /** Further claims, given with the scope `profile`. */
  readonly claims?: Readonly<Record<string, unknown>>
}

export const DEMO_PEOPLE: readonly Person[] = [
  {
    id: 'ana',
    sub: 'demo-ana',
    name: 'Ana Ferreira',
    preferredUsername: 'ana',
    email: 'ana@example.com',
    groups: ['platform-engineers'],
    about: 'Runs the platform.',
    claims: { department: 'Platform' },
  },
  {
    id: 'ben',
    sub: 'demo-ben',
    name: 'Ben Okafor',
    preferredUsername: 'ben',
    email: 'ben@example.com',
    groups: ['data-science'],
    about: 'Works with the numbers.',
    claims: { department: 'Research' },
  },
  {
    id: 'chris',
    sub: 'demo-chris',
    name: 'Chris Lindqvist',
    preferredUsername: 'chris',
    email: 'chris@example.com',
    groups: ['platform-engineers', 'data-science'],
    about: 'Does both.',
    claims: { department: 'Platform' },
  },
  {
    id: 'dora',
    sub: 'demo-dora',
    // A name beyond ASCII shows how identity headers are encoded.
    name: 'Dóra Kovács',
    preferredUsername: 'dora',
    email: 'dora@contractor.example',
    groups: [],
    about: 'A contractor, in no group.',
  },
]
