/** What the demo prints when it runs: addresses, people, and what each of them may open. */

import type { Person } from './people.ts'

export interface AnnouncedRoute {
  readonly name: string
  readonly url: string
  readonly description: string | undefined
}

export interface Announcement {
  readonly publicUrl: string
  readonly issuer: string
  readonly adminUrl: string
  readonly routes: readonly AnnouncedRoute[]
  /** Names of the routes that each person may open; `undefined` stands for somebody who has not signed in. */
  readonly access: readonly {
    readonly person: Person | undefined
    readonly mayOpen: readonly string[]
  }[]
}

/** The whole text, for a terminal of any width that shows its longest line. */
export function announce(announcement: Announcement): string {
  const { publicUrl, issuer, adminUrl, routes, access } = announcement
  const addresses = [
    ...routes.map(({ url, description, name }) => [url, description ?? name]),
    [`${publicUrl}/.gatehouse/`, 'Who you are, and what you may open'],
    [`${issuer}/.well-known/openid-configuration`, 'An Okta organisation to sign in with'],
    [
      `${adminUrl}/`,
      'The pages for the operator; beside them /metrics, /healthz, /readyz and /config',
    ],
  ]
  const people = access.map(({ person, mayOpen }) => [
    person?.name ?? '(not signed in)',
    person === undefined ? '' : person.groups.join(', ') || '-',
    mayOpen.join(', ') || '-',
  ])
  return `
Gatehouse demo, on this machine only. Ctrl-C ends it and leaves nothing behind.

${table(['Open in a browser', ''], addresses)}

${table(['Sign in as', 'groups', 'may open'], people)}

The routes are those of policies/: an edit there is live within two seconds. Below this line: one line per request.

`
}

/** Columns as wide as their longest cell, with the heads underlined. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd()
  const rules = heads.map((head, column) => (head === '' ? '' : '-'.repeat(widths[column] ?? 0)))
  return [line(heads), line(rules), ...rows.map(line)].join('\n')
}
