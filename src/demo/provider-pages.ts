/** Pages of identity providers to develop against. */

import { escapeHtml, type Page } from './html.ts'
import type { Person } from './people.ts'

const EYEBROW = '<p class="eyebrow">Development identity provider</p>'

/** Asks whom to be. `hint` is the e-mail that the app expects, `current` the id of who is signed in here. */
export function pickerPage(
  people: readonly Person[],
  action: string,
  { hint, current }: { readonly hint?: string; readonly current?: string } = {},
): Page {
  const suggested = people.find((person) => person.email === hint)
  const buttons = people.map((person) => {
    const note = person.sub === current ? ' (signed in now)' : ''
    const focus = person === suggested ? ' autofocus' : ''
    return `<li><button name="person" value="${escapeHtml(person.id)}"${focus}>
<strong>${escapeHtml(person.name)}${note}</strong>
<small>${escapeHtml(person.email)} · ${escapeHtml(person.about)}</small>
${groupTags(person.groups)}
</button></li>`
  })
  return {
    title: 'Whom do you want to be?',
    narrow: true,
    body: `${EYEBROW}
<h1>Whom do you want to be?</h1>
<p class="soft">Everybody here is made up, and nobody has a password.</p>
<form method="post" action="${escapeHtml(action)}">
<ul class="people">
${buttons.join('\n')}
</ul>
<button class="plain" name="cancel" value="yes">Cancel the sign-in</button>
</form>`,
  }
}

export function groupTags(groups: readonly string[]): string {
  if (groups.length === 0) return '<span class="soft">no groups</span>'
  return groups.map((group) => `<span class="tag">${escapeHtml(group)}</span>`).join(' ')
}

/** Asks before somebody is signed out who is not known to have asked for it. `form` is the provider's own. */
export function signedOutPage(): Page {
  return {
    title: 'Signed out',
    narrow: true,
    body: `${EYEBROW}\n<h1>Signed out</h1>\n<p>You are signed out of the identity provider.</p>`,
  }
}

/** Says what was wrong with a request. */
export function providerErrorPage(error: string, description: string | undefined): Page {
  return {
    title: 'That did not work',
    narrow: true,
    body: `${EYEBROW}
<h1>That did not work</h1>
<p>${escapeHtml(description ?? 'The request could not be answered.')}</p>
<p class="soft">Error <code>${escapeHtml(error)}</code>. Go back to the app and sign in again.</p>`,
  }
}
