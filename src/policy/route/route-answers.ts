/** Routes that lead to no upstream: `redirect` and `response`. */

import { readAuthority } from '../../routing/host-name.ts'
import type { PathRewrite } from '../../routing/path-rewrite.ts'
import type { YamlEntry } from '../../support/yaml-node.ts'
import type { Around } from '../language/compile-conditions.ts'
import type { Report } from '../language/matchers.ts'
import type { OwnAnswer } from '../route.ts'
import { refuseHeaderText } from './header-template.ts'
import { type PathSetting, readPathText, rewriteMatched } from './route-rewrites.ts'
import { entriesInside, type RouteEntries, readFlag, readNumber, readText } from './route-values.ts'

/** Null where the route has neither. */
export function readOwnAnswer(
  entries: RouteEntries,
  setting: PathSetting & { readonly secure: boolean },
  { report }: Around,
): OwnAnswer | null | undefined {
  const redirect = entries.get('redirect')
  const response = entries.get('response')
  const one = redirect ?? response
  if (one === undefined) return null
  const other = entries.get('to') ?? (one === redirect ? response : undefined)
  if (other !== undefined) {
    return report(
      one.keyAt,
      `a route has one of \`to\`, \`redirect\` and \`response\`; drop \`${one.key}\` or \`${other.key}\``,
    )
  }
  return one === redirect ? readRedirect(one, setting, report) : readResponse(one, report)
}

const REDIRECT_KEYS = [
  'https',
  'scheme',
  'host',
  'port',
  'path',
  'prefix_rewrite',
  'code',
  'strip_query',
] as const
type RedirectEntries = RouteEntries<(typeof REDIRECT_KEYS)[number]>
const CODES = [301, 302, 303, 307, 308]

function readRedirect(
  entry: YamlEntry,
  setting: PathSetting & { readonly secure: boolean },
  report: Report,
): OwnAnswer | undefined {
  const inside = entriesInside(entry, REDIRECT_KEYS, report)
  if (inside === undefined) return undefined
  const scheme = readScheme(inside, report)
  const host = readHost(inside, report)
  const port = readNumber(inside, 'port', [1, 65_535], report)
  const path = readPath(inside, setting, report)
  const status = readCode(inside, report)
  const stripQuery = readFlag(inside, 'strip_query', false, report)
  const broken =
    scheme === undefined ||
    host === undefined ||
    port === undefined ||
    path === undefined ||
    status === undefined ||
    stripQuery === undefined
  if (broken) return undefined
  const staysScheme = scheme === null || (scheme === 'https') === setting.secure
  if (staysScheme && host === null && port === null && path === null) {
    return report(entry.keyAt, '`redirect` leads to the same address again; say what changes')
  }
  const target = {
    scheme: scheme ?? undefined,
    host: host ?? undefined,
    port: port ?? undefined,
    path: path ?? undefined,
    stripQuery,
  }
  return { kind: 'redirect', status, target }
}

function readScheme(entries: RedirectEntries, report: Report): 'http' | 'https' | null | undefined {
  const https = readFlag(entries, 'https', false, report)
  const scheme = readText(entries, 'scheme', report)
  const entry = entries.get('scheme')
  if (https === undefined || scheme === undefined) return undefined
  if (scheme === null || entry === undefined) return https ? 'https' : null
  const found = (['http', 'https'] as const).find((known) => known === scheme)
  if (found === undefined) return report(entry.value.at, '`scheme` takes `http` or `https`')
  if (https && found === 'http') return report(entry.keyAt, '`scheme: http` beside `https: true`')
  return found
}

function readHost(entries: RedirectEntries, report: Report): string | null | undefined {
  const text = readText(entries, 'host', report)
  const at = entries.get('host')?.value.at
  if (typeof text !== 'string' || at === undefined) return text
  const host = readAuthority(text)
  if (host === undefined) return report(at, '`host` is a host, as in `new.example.com`')
  return host.port === undefined ? host.name : report(at, 'write the port of `host` in `port`')
}

function readPath(
  entries: RedirectEntries,
  setting: PathSetting,
  report: Report,
): PathRewrite | null | undefined {
  const key = entries.get('path') === undefined ? 'prefix_rewrite' : 'path'
  const second = entries.get('prefix_rewrite')
  if (key === 'path' && second !== undefined) {
    return report(second.keyAt, '`redirect` has `path` or `prefix_rewrite`; drop one of them')
  }
  const text = readText(entries, key, report)
  const at = entries.get(key)?.value.at
  if (typeof text !== 'string' || at === undefined) return text === null ? null : undefined
  const by = readPathText(key, text, at, setting.keepEncodedSlashes, report)
  if (by === undefined) return undefined
  return key === 'path' ? () => by : rewriteMatched(by, setting, at, report)
}

function readCode(entries: RedirectEntries, report: Report): number | undefined {
  const value = entries.get('code')?.value
  if (value === undefined) return 302
  const code = CODES.find((known) => value.kind === 'scalar' && known === value.value)
  return code ?? report(value.at, `\`code\` takes ${CODES.join(', ')}`)
}

const RESPONSE_KEYS = ['status', 'body', 'content_type'] as const
const BODILESS = [204, 205, 304]
const DEFAULT_TYPE = 'text/plain; charset=utf-8'

function readResponse(entry: YamlEntry, report: Report): OwnAnswer | undefined {
  const inside = entriesInside(entry, RESPONSE_KEYS, report)
  if (inside === undefined) return undefined
  // 1xx is no answer.
  const status = readNumber(inside, 'status', [200, 599], report)
  const body = readText(inside, 'body', report)
  const contentType = readText(inside, 'content_type', report)
  if (status === undefined || body === undefined || contentType === undefined) return undefined
  const bodyAt = inside.get('body')?.keyAt
  if (bodyAt !== undefined && status !== null && BODILESS.includes(status)) {
    return report(bodyAt, `an answer with status ${status} has no body`)
  }
  const typeAt = inside.get('content_type')?.value.at
  const wrong =
    contentType === null ? undefined : (refuseHeaderText(contentType) ?? refuseType(contentType))
  if (typeAt !== undefined && wrong !== undefined) return report(typeAt, wrong)
  return {
    kind: 'response',
    status: status ?? 200,
    body: body ?? '',
    contentType: contentType ?? DEFAULT_TYPE,
  }
}

function refuseType(text: string): string | undefined {
  const isType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;.*)?$/.test(text)
  return isType ? undefined : '`content_type` is a media type, as in `text/html; charset=utf-8`'
}
