/** Where a Pomerium route leads: its upstreams, its rewrites, or the answer that is given in place of one. */

import type { YamlNode } from '../../support/yaml-node.ts'
import {
  COMMENT_OUT,
  type DraftEntry,
  type DraftNode,
  entry,
  inlineMap,
  list,
  map,
  type Origin,
  part,
  scalar,
} from './draft.ts'
import { type Settings, textOf } from './settings.ts'

/** `to` or what stands for it, and the rewrites. `prefix`: the route's own, `/` where it takes all paths. */
export function translateUpstream(route: Settings, prefix: string | undefined): DraftEntry[] {
  const rewrites = readRewrites(route)
  const entries: DraftEntry[] = []
  const to = route.take('to')
  if (to !== undefined) entries.push(...translateTo(to, route, prefix, rewrites.length > 0))
  entries.push(...rewrites, ...translateRedirect(route), ...translateResponse(route))
  return entries
}

const REWRITES = ['prefix_rewrite', 'regex_rewrite_pattern', 'regex_rewrite_substitution']

function readRewrites(route: Settings): readonly DraftEntry[] {
  return REWRITES.flatMap((key) => {
    const text = route.text(key)
    if (text === undefined) return []
    const comments =
      key === 'prefix_rewrite'
        ? [route.note('differs', text, 'by segment here, as a piece of text in Pomerium')]
        : []
    return [entry(key, text.value, { origin: text, fallbacks: [COMMENT_OUT], comments })]
  })
}

interface Target {
  readonly url: string
  readonly weight: number | undefined
}

function translateTo(
  to: Origin & { readonly value: YamlNode },
  route: Settings,
  prefix: string | undefined,
  isRewritten: boolean,
): readonly DraftEntry[] {
  const nodes = to.value.kind === 'list' ? to.value.items : [to.value]
  const texts = nodes.map(textOf)
  const known = texts.filter((text) => text !== undefined && text !== '')
  if (known.length === 0 || known.length !== texts.length) {
    route.note('left-out', to, 'takes URLs; something else is written')
    return []
  }
  const comments: string[] = []
  const targets = known.map((text) => readTarget(text ?? '', to, route, comments))
  const path = pathOf(targets[0]?.url ?? '')
  const rewrite = rewriteFor(path, prefix, isRewritten)
  if (rewrite !== 'keep') for (const [i, one] of targets.entries()) targets[i] = withoutPath(one)
  if (rewrite === 'drop' && path !== '/') {
    comments.push(
      route.note('differs', to, `Pomerium uses \`${path}\` of the URL for nothing here`),
    )
  }
  if (rewrite === 'keep' && path !== '' && !path.endsWith('/')) {
    const message = `Pomerium puts the path behind \`${path}\` without a slash between them; here there is one`
    comments.push(route.note('differs', to, message))
  }
  const [first] = targets
  const single = scalar(first?.url ?? '')
  const several: DraftNode = list(targets.map(({ url, weight }) => part(weighted(url, weight))))
  const others = targets.length > 1 || first?.weight !== undefined
  const onlyFirst = {
    kind: 'instead',
    value: single,
    why: `only the first of ${targets.length} is used`,
  } as const
  const fallbacks = others ? [onlyFirst, COMMENT_OUT] : [COMMENT_OUT]
  const entries = [entry('to', others ? several : single, { origin: to, comments, fallbacks })]
  if (rewrite === 'prefix_rewrite') {
    const message = 'Pomerium takes the path of `to` in place of what the route matched'
    const options = {
      origin: to,
      fallbacks: [COMMENT_OUT],
      comments: [route.note('differs', to, message)],
    }
    entries.push(entry('prefix_rewrite', path, options))
  }
  return entries
}

function weighted(url: string, weight: number | undefined): DraftNode {
  return weight === undefined ? scalar(url) : inlineMap({ url, weight })
}

/** Reads `http://app:80,10`, a weight behind a comma. */
function readTarget(text: string, origin: Origin, route: Settings, comments: string[]): Target {
  const comma = text.indexOf(',')
  const weight = comma < 0 ? Number.NaN : Number(text.slice(comma + 1))
  let url = (comma < 0 ? text : text.slice(0, comma)).trim()
  const userinfo = /^([a-z0-9+.-]+:\/\/)[^/?#]*@/i.exec(url)
  if (userinfo !== null) {
    url = `${userinfo[1]}${url.slice(userinfo[0].length)}`
    const message = 'holds a user name or password, and policies live in git: not copied'
    comments.push(route.note('secret', origin, message))
  }
  return { url, weight: Number.isNaN(weight) ? undefined : weight }
}

const WITH_PATH = /^((?:https?|h2c):\/\/[^/?#]+)(\/[^?#]*)$/i

function pathOf(url: string): string {
  return WITH_PATH.exec(url)?.[2] ?? ''
}

function withoutPath({ url, weight }: Target): Target {
  return { url: WITH_PATH.exec(url)?.[1] ?? url, weight }
}

/** Pomerium takes the path of `to` as a `prefix_rewrite` where the route has no other. */
function rewriteFor(
  path: string,
  prefix: string | undefined,
  isRewritten: boolean,
): 'keep' | 'drop' | 'prefix_rewrite' {
  if (path === '') return 'keep'
  if (isRewritten) return 'drop'
  if (prefix === '/') return path === '/' ? 'drop' : 'keep'
  return 'prefix_rewrite'
}

const REDIRECT_KEYS = [
  ['https', ['https_redirect', 'https']],
  ['scheme', ['scheme_redirect', 'scheme']],
  ['host', ['host_redirect', 'host']],
  ['port', ['port_redirect', 'port']],
  ['path', ['path_redirect', 'path']],
  ['prefix_rewrite', ['prefix_rewrite']],
  ['code', ['response_code', 'code']],
  ['strip_query', ['strip_query']],
] as const

function translateRedirect(route: Settings): readonly DraftEntry[] {
  const setting = route.take('redirect')
  if (setting === undefined) return []
  const redirect = route.inside(setting)
  if (redirect === undefined) return []
  const entries: DraftEntry[] = []
  for (const [key, names] of REDIRECT_KEYS) {
    const isFlag = key === 'https' || key === 'strip_query'
    const value = isFlag ? redirect.flag(...names) : redirect.text(...names)
    if (value === undefined) continue
    const written = key === 'port' || key === 'code' ? numberOr(String(value.value)) : value.value
    entries.push(entry(key, written, { origin: value, fallbacks: [COMMENT_OUT] }))
  }
  // Pomerium's is 301 unless it is given, ours 302.
  if (!entries.some(({ key }) => key === 'code')) entries.push(entry('code', 301))
  const comments = redirect
    .rest()
    .map((one) => route.note('left-out', one, 'is no key of a redirect here'))
  const options = { origin: setting, fallbacks: [COMMENT_OUT], comments }
  return [entry('redirect', map(entries), options)]
}

function numberOr(text: string): number | string {
  return /^\d{1,9}$/.test(text) ? Number(text) : text
}

function translateResponse(route: Settings): readonly DraftEntry[] {
  const setting = route.take('response')
  if (setting === undefined) return []
  const response = route.inside(setting)
  if (response === undefined) return []
  const status = response.text('status')
  const body = response.text('body')
  const entries = [
    ...(status === undefined ? [] : [entry('status', numberOr(status.value))]),
    ...(body === undefined ? [] : [entry('body', body.value)]),
  ]
  const comments = response
    .rest()
    .map((one) => route.note('left-out', one, 'is no key of a response here'))
  const options = { origin: setting, fallbacks: [COMMENT_OUT], comments }
  return entries.length === 0 ? [] : [entry('response', map(entries), options)]
}
