/** From a template and its data to a finished answer: layout, escaping and the headers that all answers of ours carry. */

import { Eta } from 'eta/core'
import type { RenderedAnswer, RenderedBytes } from './answer.ts'
import type { Brand } from './brand.ts'
import {
  OPERATOR_DECISIONS,
  OPERATOR_MATRIX,
  OPERATOR_NAV,
  OPERATOR_OVERVIEW,
  OPERATOR_SESSIONS,
  OPERATOR_WHY,
} from './operator-templates.ts'
import { styleOf } from './style.ts'
import {
  CHOOSER,
  FAILURE,
  LAYOUT,
  LOCAL_SIGN_IN,
  MESSAGE,
  PORTAL,
  SIGN_OUT_QUESTION,
  SITES,
} from './templates.ts'
import { LANGUAGE, TEXTS } from './texts.ts'

const eta = new Eta({ autoEscape: true, autoTrim: 'nl' })
const layout = eta.compile(LAYOUT)
const templates = {
  failure: eta.compile(FAILURE),
  chooser: eta.compile(CHOOSER),
  localSignIn: eta.compile(LOCAL_SIGN_IN),
  message: eta.compile(MESSAGE),
  signOutQuestion: eta.compile(SIGN_OUT_QUESTION),
  portal: eta.compile(PORTAL),
  sites: eta.compile(SITES),
  operatorNav: eta.compile(OPERATOR_NAV),
  operatorOverview: eta.compile(OPERATOR_OVERVIEW),
  operatorDecisions: eta.compile(OPERATOR_DECISIONS),
  operatorWhy: eta.compile(OPERATOR_WHY),
  operatorSessions: eta.compile(OPERATOR_SESSIONS),
  operatorMatrix: eta.compile(OPERATOR_MATRIX),
} as const

export type Template = keyof typeof templates

export interface Page {
  readonly template: Template
  /** Heading and window title. */
  readonly title: string
  readonly view: object
  readonly requestId: string
  readonly head: boolean
  readonly status?: number
  /** A line above the heading. */
  readonly eyebrow?: string
  /** Markup beside the brand's name. */
  readonly nav?: string
  /** Path of a script of ours, on this host. */
  readonly script?: string
  /** Shown in small print on failures. */
  readonly code?: string
  readonly wide?: boolean
  /** Sources for `form-action`; without it the page can send no form. */
  readonly formAction?: readonly string[]
  /** Origins of images besides those that the page holds. */
  readonly imageOrigins?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
}

/** A whole HTML page in the brand's look. */
export function renderPage(page: Page, brand: Brand): RenderedAnswer {
  const style = styleOf(brand)
  const status = page.status ?? 200
  const body = markup(page.template, { ...page.view, title: page.title })
  const html = layout.call(eta, {
    brand,
    body,
    css: style.css,
    title: page.title,
    language: LANGUAGE,
    requestId: page.requestId,
    status,
    code: page.code,
    eyebrow: page.eyebrow,
    script: page.script,
    nav: page.nav,
    wide: page.wide === true,
    texts: TEXTS,
  })
  const policy = [
    "default-src 'none'",
    `style-src ${style.source}`,
    ['img-src data:', ...imageOrigins(page, brand)].join(' '),
    // What the script asks for is on this host, too.
    ...(page.script === undefined ? [] : ["script-src 'self'", "connect-src 'self'"]),
    `form-action ${page.formAction?.join(' ') ?? "'none'"}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
  return answer(status, 'text/html; charset=utf-8', html, page.head, {
    'content-security-policy': policy,
    // With `no-referrer` a browser sends `Origin: null` with a form of the page, and where it sends no Sec-Fetch-Site
    // either (plain http) its own form would be refused.
    'referrer-policy': page.formAction === undefined ? 'no-referrer' : 'same-origin',
    ...page.headers,
  })
}

function imageOrigins(page: Page, { logoOrigin }: Brand): ReadonlySet<string> {
  const origins = new Set(page.imageOrigins)
  if (logoOrigin !== undefined) origins.add(logoOrigin)
  return origins
}

/** The brand's logo, which pages of all hosts may show. An SVG that is opened by itself can do nothing. */
export function renderLogo(
  { contentType, content }: { readonly contentType: string; readonly content: Uint8Array },
  head: boolean,
): RenderedBytes {
  const headers = headersOf(contentType, content, {
    ...INERT,
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    // Its address holds its hash.
    'cache-control': 'public, max-age=86400',
  })
  return { status: 200, headers, body: head ? new Uint8Array() : content }
}

/** A part of a page, as markup to be put into another. */
export function markup(name: Template, view: object): string {
  return templates[name].call(eta, { ...view, texts: TEXTS })
}

/** A part of a page by itself. */
export function renderPart(name: Template, view: object, head: boolean): RenderedAnswer {
  return answer(200, 'text/html; charset=utf-8', markup(name, view), head, INERT)
}

/** A script of ours. */
export function renderScript(script: string, head: boolean): RenderedAnswer {
  return answer(200, 'text/javascript; charset=utf-8', script, head, INERT)
}

/** Of what is no page: whoever opens it as one sees it without doing anything. */
const INERT = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
}

/** JSON with the headers of every answer of ours. */
export function renderJson(
  status: number,
  value: object,
  head: boolean,
  headers: Readonly<Record<string, string>> = {},
): RenderedAnswer {
  return answer(status, 'application/json; charset=utf-8', `${JSON.stringify(value)}\n`, head, {
    ...INERT,
    ...headers,
  })
}

function answer(
  status: number,
  type: string,
  body: string,
  head: boolean,
  headers: Readonly<Record<string, string>>,
): RenderedAnswer {
  return { status, headers: headersOf(type, body, headers), body: head ? '' : body }
}

function headersOf(
  type: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return {
    'content-type': type,
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  }
}
