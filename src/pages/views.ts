/** Pieces of data that several pages show: people, links, times. */

import type { Person } from '../policy/model.ts'
import type { EpochMs } from '../support/time.ts'
import { TEXTS } from './texts.ts'

export interface Action {
  readonly href: string
  readonly text: string
  readonly main?: boolean
}

export interface PersonView {
  readonly label: string
  readonly detail: string | undefined
}

/** Who somebody is, as a page says it: name, e-mail and provider as far as they are known. */
export function personView(person: Person): PersonView {
  const name = typeof person.claims.name === 'string' ? person.claims.name : undefined
  const label = name ?? person.email ?? person.sub
  const details = [
    person.email === label ? undefined : person.email,
    person.provider === undefined ? undefined : `${TEXTS.via} ${person.provider}`,
  ].filter((detail) => detail !== undefined)
  return { label, detail: details.length === 0 ? undefined : details.join(' ') }
}

/** A link target that leads where links may lead; anything else becomes the page itself. */
export function href(url: string): string {
  return /^(https?:\/\/|mailto:|\/(?![/\\])|\?)/i.test(url) ? url : '#'
}

/** `text`, shortened where it is longer than `length`. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).trimEnd()}…`
}

/** One or two letters in place of a picture: `Ana Ferreira` is AF, `grafana` G. */
export function initialsOf(name: string): string {
  const words = name.match(/\p{L}[\p{L}\p{N}]*/gu) ?? []
  const last = words.length > 1 ? words.at(-1) : undefined
  return [words[0], last]
    .map((word) => [...(word ?? '')][0] ?? '')
    .join('')
    .toUpperCase()
}

export interface ContactView {
  readonly text: string
  readonly href: string | undefined
}

export function contactView(contact: string | undefined): ContactView | undefined {
  if (contact === undefined) return undefined
  if (/^https?:\/\/\S+$/i.test(contact)) return { text: contact, href: contact }
  if (/^[^\s@<>?&]+@[^\s@<>?&]+$/.test(contact)) return { text: contact, href: `mailto:${contact}` }
  return { text: contact, href: undefined }
}

export interface TimeView {
  readonly iso: string
  readonly text: string
}

const PAGE_TIME = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium',
  timeStyle: 'short',
  timeZone: 'UTC',
})

/** The server cannot know the reader's zone, so it says which one it means. */
export function timeView(at: EpochMs): TimeView {
  const date = new Date(at)
  return { iso: date.toISOString(), text: `${PAGE_TIME.format(date)} UTC` }
}
