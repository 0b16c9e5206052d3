/** Class C, paths: whatever the bytes, the upstream gets the path that was judged, or nothing. */

import { type Attack, attempt, type Judge } from '../attack.ts'
import { CLOSED_PATHS_BY_ATTACK } from '../closed-paths.ts'
import { HOST } from '../target.ts'

export const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

const by = (method: string, path: string, cookie = '') =>
  `${method} ${path} HTTP/1.1\r\nHost: ${HOST}\r\n${cookie}Connection: close\r\n\r\n`

/** By nobody that is known, by somebody who may not, and as an upgrade. */
export const closedPaths: readonly Attack[] = Object.entries(CLOSED_PATHS_BY_ATTACK).map(
  ([id, { about, paths }]) => ({
    id,
    name: about,
    attempts: () =>
      paths.flatMap((path) => [
        ...['GET', 'HEAD', 'POST'].map((method) =>
          attempt(`${method} ${path} by nobody`, by(method, path), { judge: judgedHost }),
        ),
        attempt(`GET ${path} by dora`, (cookie) => by('GET', path, cookie), {
          who: 'dora',
          judge: judgedHost,
        }),
        attempt(
          `an upgrade on ${path} by nobody`,
          `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n${UPGRADE}\r\n`,
          { until: 'answer', judge: judgedHost },
        ),
      ]),
  }),
)

/** An authority in the target goes before Host (RFC 9112 §3.2.2): one of another site is for nobody here. */
function judgedHost({ sent, arrived }: Parameters<Judge>[0]): string | undefined {
  const authority = /^\S+ https?:\/\/([^/ ]*)/i.exec(sent)?.[1]
  if (arrived[0] === undefined || authority === undefined) return undefined
  const isOurs = authority.toLowerCase().replace(/:\d+$/, '') === HOST
  return isOurs ? undefined : `\`${arrived[0].line}\` arrived for ${authority}`
}

/** Open paths in spellings that are easy to get wrong, and how Gatehouse sends them on. */
export const OPEN_PATHS: Readonly<Record<string, string>> = {
  '/public/a': '/public/a',
  '//public///a//': '/public/a/',
  '/public/%61%2D%7e': '/public/a-~',
  '/public/%c3%a9': '/public/%C3%A9',
  '/public/%23/x': '/public/%23/x',
  '/public/%3Fx': '/public/%3Fx',
  '/public/%252e%252e/admin': '/public/%252e%252e/admin',
  '/public/%252f..': '/public/%252f..',
  '/public/...': '/public/...',
  '/public/..a': '/public/..a',
  '/public/a;b=1': '/public/a;b=1',
  '/public/%ef%bc%8f': '/public/%EF%BC%8F',
  '/public/\'{}|^`"<>[]': '/public/\'{}|^`"<>[]',
  [`http://${HOST}/public/a`]: '/public/a',
}

export const QUERY = '?q=%2f..%61\'"<>{}|^`\\'

export const openPaths: Attack = {
  id: 'C9',
  name: 'what was judged is what is sent: decoded at most once, query untouched',
  attempts: () =>
    Object.entries(OPEN_PATHS).flatMap(([path, meant]) =>
      ['', QUERY].map((query) =>
        attempt(`${path}${query}`, by('REPORT', `${path}${query}`), {
          judge: ({ arrived }) => {
            const [request] = arrived
            if (request === undefined || isSame(request.target, meant, query)) return undefined
            return `it arrived as \`${request.target}\``
          },
        }),
      ),
    ),
}

/** The same once both are decoded; a server behind reads them alike. */
function isSame(target: string, path: string, query: string): boolean {
  const at = target.indexOf('?')
  const [sent, sentQuery] = at === -1 ? [target, ''] : [target.slice(0, at), target.slice(at)]
  return sentQuery === query && decodeURIComponent(sent) === decodeURIComponent(path)
}

export const ownPaths: Attack = {
  id: 'H14',
  name: 'paths of its own are no way around a policy',
  attempts: () => {
    const spellings: Readonly<Record<string, (own: string) => string>> = {
      'dots behind it': (own) => `${own}/../admin`,
      'encoded dots behind it': (own) => `${own}/%2e%2e/admin`,
      'dots with a parameter behind it': (own) => `${own}/..;/admin`,
      'dots in front of it': (own) => `/admin/..${own}`,
      'an encoded slash behind it': (own) => `${own}%2f..%2fadmin`,
      'as its query': (own) => `/admin?${own}`,
      'as its fragment': (own) => `/admin#${own}`,
      'as its parameter': (own) => `/admin;${own}`,
      'in capitals': (own) => own.toUpperCase(),
      'below another': (own) => `/admin${own}`,
    }
    return Object.entries(spellings).flatMap(([name, spell]) => [
      attempt(`${name}, by nobody`, (_cookie, { ownPath }) => by('GET', spell(ownPath))),
      attempt(`${name}, by dora`, (cookie, { ownPath }) => by('GET', spell(ownPath), cookie), {
        who: 'dora',
      }),
    ])
  },
}
