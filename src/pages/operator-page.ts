/** The frame of the operator's pages: the gateway's look, tabs, and forms that lead nowhere but here. */

import type { RenderedAnswer } from './answer.ts'
import type { Brand } from './brand.ts'
import { OPERATOR_TEXTS } from './operator-texts.ts'
import { markup, renderPage, type Template } from './render.ts'

/** The tabs, by the path of each. */
export const OPERATOR_PATHS = {
  overview: '/',
  decisions: '/operator/decisions',
  sessions: '/operator/sessions',
  policies: '/operator/policies',
} as const
export type OperatorTab = keyof typeof OPERATOR_PATHS

/** How a word is coloured; the word itself says the same. */
export type Mark = 'good' | 'bad' | 'warn' | 'plain'

export interface OperatorPage {
  readonly tab: OperatorTab
  readonly template: Template
  readonly title: string
  readonly view: object
  readonly status?: number
  readonly requestId: string
}

export function renderOperatorPage(page: OperatorPage, brand: Brand): RenderedAnswer {
  const tabs = (Object.keys(OPERATOR_PATHS) as OperatorTab[]).map((name) => ({
    href: OPERATOR_PATHS[name],
    text: OPERATOR_TEXTS[name],
    current: name === page.tab,
  }))
  return renderPage(
    {
      template: page.template,
      title: page.title,
      wide: true,
      status: page.status ?? 200,
      requestId: page.requestId,
      head: false,
      formAction: ["'self'"],
      nav: markup('operatorNav', { tabs, t: OPERATOR_TEXTS }),
      view: { ...page.view, t: OPERATOR_TEXTS },
    },
    brand,
  )
}

/** Which part of a long list is asked for. */
export interface Paged<T> {
  readonly items: readonly T[]
  readonly pager:
    | {
        readonly text: string
        readonly previous: string | undefined
        readonly next: string | undefined
      }
    | undefined
}

/** The page of `all` that is asked for: a number; what is none is the first, what is too high the last. */
export function paged<T>(
  all: readonly T[],
  size: number,
  asked: string | undefined,
  urlOf: (page: number) => string,
): Paged<T> {
  const pages = Math.max(1, Math.ceil(all.length / size))
  const wanted = /^[1-9]\d{0,5}$/.test(asked ?? '') ? Number(asked) : 1
  const page = Math.min(wanted, pages)
  return {
    items: all.slice((page - 1) * size, page * size),
    pager:
      pages === 1
        ? undefined
        : {
            text: OPERATOR_TEXTS.pageOf(page, pages),
            previous: page > 1 ? urlOf(page - 1) : undefined,
            next: page < pages ? urlOf(page + 1) : undefined,
          },
  }
}
