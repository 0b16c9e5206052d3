/** Class A: nobody but the proxy says who asks, in no spelling, on no route, by no kind of request. */

import { type Attack, attempt, type Judge } from '../attack.ts'
import type { ReceivedRequest } from '../byte-upstream.ts'
import { type Claim, HOST, PEOPLE, type Target } from '../target.ts'
import { UPGRADE } from './paths.ts'

const partsOf = (name: string) => name.split(/[-_]/)

/** RFC 9110 §5.1: one and the same name. */
const capitalsOf = (name: string) => [name, name.toLowerCase(), name.toUpperCase()]

/** Other names, which some server behind a proxy folds into the one that it knows. */
function aliasesOf(name: string): readonly string[] {
  const parts = partsOf(name).map(
    (part) => part.charAt(0).toUpperCase() + part.slice(1).toLowerCase(),
  )
  const [first, ...rest] = parts
  const aliases = [
    parts.join('-'),
    parts.join('_'),
    parts.join('_').toUpperCase(),
    parts.join('.'),
    `${first}_${rest.join('-')}`,
    `${first}-${rest.join('_')}`,
    `${first}!${rest.join('~')}`,
    `${first}'${rest.join('|')}`,
    `${first}*${rest.join('+')}`,
    `${first}^${rest.join('^')}`,
  ]
  const own = name.toLowerCase()
  return aliases.filter((alias) => alias.toLowerCase() !== own)
}

const request = (method: string, path: string, ...lines: readonly string[]) =>
  `${[`${method} ${path} HTTP/1.1`, `Host: ${HOST}`, ...lines].join('\r\n')}\r\n`

const forgedLines = (name: string) =>
  capitalsOf(name).flatMap((spelling) => [`${spelling}: root`, `${spelling}: root`])

const namesOf = ({ identity, reserved }: Target) => [...Object.keys(identity), ...reserved]

/** Every header that the proxy sets has arrived. */
const isKnown: Judge = ({ arrived: [first], answer }, { identity }) => {
  if (first === undefined) return `nothing arrived: ${answer.status}`
  const missing = Object.keys(identity).filter((name) => first.header(name).length !== 1)
  return missing.length === 0 ? undefined : `without ${missing.join(', ')}`
}

/** A request whose form is refused says nothing; else it has to arrive with who asks. */
const isKnownOrRefused: Judge = (seen, target) =>
  seen.answer.status === 400 ? undefined : isKnown(seen, target)

export const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS', 'PROPFIND'] as const

export const forgedHeaders: Attack = {
  id: 'A1, A2, A4, A11',
  name: 'identity headers of the client, in capitals or not, twice',
  attempts: (target) =>
    METHODS.flatMap((method) =>
      namesOf(target).map((name) =>
        attempt(
          `${method} with ${name}`,
          (cookie) =>
            `${request(method, '/admin', ...forgedLines(name), 'Connection: close')}${cookie}\r\n`,
          { who: 'ada', judge: isKnownOrRefused },
        ),
      ),
    ),
}

export const aliases: Attack = {
  id: 'A3',
  name: 'underscores, dots and other characters in their names',
  attempts: (target) =>
    namesOf(target).flatMap((name) =>
      aliasesOf(name).flatMap((alias) => [
        attempt(
          `${alias} by ada`,
          (cookie) =>
            `${request('GET', '/admin', `${alias}: root`, 'Connection: close')}${cookie}\r\n`,
          { who: 'ada', judge: isKnownOrRefused },
        ),
        attempt(
          `${alias} by nobody`,
          `${request('GET', '/public/x', `${alias}: root`, 'Connection: close')}\r\n`,
        ),
        attempt(
          `${alias} in an upgrade by ada`,
          (cookie) => `${request('GET', '/admin/ws', `${alias}: root`)}${cookie}${UPGRADE}\r\n`,
          { who: 'ada', until: 'answer', judge: isKnownOrRefused },
        ),
      ]),
    ),
}

export const forgedByNobody: Attack = {
  id: 'A5',
  name: 'identity headers of a client that nobody knows, on an open path',
  attempts: (target) =>
    namesOf(target).map((name) =>
      attempt(
        name,
        `${request('GET', '/public/x', ...forgedLines(name), 'Connection: close')}\r\n`,
      ),
    ),
}

export const missingClaim: Attack = {
  id: 'A5',
  name: 'a claim that somebody does not have is not the client’s',
  attempts: ({ identity }) =>
    Object.keys(identity).flatMap((name) =>
      ['/x', '/public/x'].map((path) =>
        attempt(
          `${name} on ${path}`,
          (cookie) =>
            `${request('GET', path, ...forgedLines(name), 'Connection: close')}${cookie}\r\n`,
          { who: 'dora' },
        ),
      ),
    ),
}

/** Announced as they are sent, as something else, or not at all; each behind a body in chunks. */
const announced = (name: string): Readonly<Record<string, readonly string[]>> => ({
  announced: [`Trailer: ${name}`],
  'announced among others': [`Trailer: X-Sum, ${name.toLowerCase()}`, 'Trailer: X-More'],
  'announced and named in Connection': [`Trailer: ${name}`, `Connection: Trailer, ${name}`],
  'not announced': [],
})

export const forgedTrailers: Attack = {
  id: 'A1, A3',
  name: 'identity, and what frames a request, in trailers',
  attempts: (target) =>
    [...namesOf(target), 'Content-Length', 'Transfer-Encoding', 'Host'].flatMap((name) =>
      [name, ...aliasesOf(name).slice(0, 3)].flatMap((spelling) =>
        Object.entries(announced(spelling)).map(([how, lines]) => {
          const body = `5\r\nhello\r\n0\r\n${spelling}: root\r\n\r\n`
          const head = request('POST', '/public/x', 'Transfer-Encoding: chunked', ...lines)
          return attempt(`${spelling}, ${how}`, `${head}\r\n${body}${LAST}`)
        }),
      ),
    ),
}

const LAST = `${request('GET', '/public/last', 'Connection: close')}\r\n`

/** RFC 9110 §7.6.1: what Connection names is for the proxy alone. */
export const namedInConnection: Attack = {
  id: 'A6, A7',
  name: 'a Connection header that names ours removes nothing of ours',
  attempts: (target) => {
    const names = Object.keys(target.identity)
    const lines: Readonly<Record<string, readonly string[]>> = {
      ...Object.fromEntries(names.map((name) => [name, [`Connection: close, ${name}`]])),
      'all, in lower case and in several lines': [
        ...names.map((name) => `connection: ${name.toLowerCase()}`),
        'Connection: close',
      ],
      'one behind tabs and empty items': [`Connection: ,\t${names[0]}\t, ,close`],
    }
    return Object.entries(lines).map(([name, connection]) =>
      attempt(
        name,
        (cookie) => `${request('GET', '/admin', `${names[0]}: root`, ...connection)}${cookie}\r\n`,
        { who: 'ada', judge: isKnownOrRefused },
      ),
    )
  },
}

/** Headers besides those of identity that a client must not have taken out. */
export const forwardedInConnection: Attack = {
  id: 'A6, A7',
  name: 'nor what tells where a request came from',
  attempts: ({ vouches }) =>
    Object.entries(vouches).map(([name, truth]) =>
      attempt(
        name,
        (cookie) => `${request('GET', '/admin', `Connection: close, ${name}`)}${cookie}\r\n`,
        {
          who: 'ada',
          judge: ({ arrived: [first], answer }) =>
            answer.status === 400 || lastOf(first, name).match(truth) !== null
              ? undefined
              : `\`${name}: ${lastOf(first, name)}\` arrived`,
        },
      ),
    ),
}

/** Where proxies append to what came, the last item is the nearest one's. */
export function lastOf(received: ReceivedRequest | undefined, name: string): string {
  return received?.header(name).join(',').split(',').at(-1)?.trim() ?? ''
}

export const upgrades: Attack = {
  id: 'A12',
  name: 'an upgrade brings the same headers as any request',
  attempts: (target) =>
    namesOf(target).map((name) =>
      attempt(
        name,
        (cookie) => `${request('GET', '/admin/ws', ...forgedLines(name))}${cookie}${UPGRADE}\r\n`,
        { who: 'ada', until: 'answer', judge: isKnown },
      ),
    ),
}

const OTHERS = 'theme="dark; x"; a=b=1'

export const ownCookie: Attack = {
  id: 'A13',
  name: 'the session’s cookie stays here, others pass byte for byte',
  attempts: () => [
    attempt(
      'among others',
      (cookie) =>
        `${request('GET', '/admin', 'Connection: close')}${cookie.replace('Cookie: ', `Cookie: ${OTHERS}; `).replace('\r\n', '; last=1\r\n')}\r\n`,
      {
        who: 'ada',
        judge: ({ arrived: [first], answer }, { sessionCookie }) => {
          if (first === undefined) return `nothing arrived: ${answer.status}`
          const text = first.header('cookie').join('; ')
          if (text.includes(`${sessionCookie}=`)) return `\`${sessionCookie}\` arrived`
          return text === `${OTHERS}; last=1` ? undefined : `\`Cookie: ${text}\` arrived`
        },
      },
    ),
  ],
}

const headerOf = ({ identity }: Target, claim: Claim) =>
  Object.entries(identity).find(([, known]) => known === claim)?.[0]

const sendsNo = (claim: Claim) => (target: Target) =>
  headerOf(target, claim) === undefined ? `it is set to send no ${claim}` : undefined

const askAs = (who: 'crlf' | 'mei' | 'many', judge?: Judge) =>
  attempt(
    `of ${who}`,
    (cookie) => `${request('GET', '/admin', 'Connection: close')}${cookie}\r\n`,
    { who, ...(judge === undefined ? {} : { judge }) },
  )

export const lineEnds: Attack = {
  id: 'A8',
  name: 'a claim with line ends splits no header',
  inapplicable: sendsNo('name'),
  attempts: () => [askAs('crlf')],
}

export const otherScripts: Attack = {
  id: 'A9',
  name: 'a claim in another script arrives in an encoding that can be read back',
  inapplicable: sendsNo('name'),
  attempts: (target) => [
    askAs('mei', ({ arrived: [first], answer }) => {
      if (first === undefined) return answer.status === 403 ? undefined : `${answer.status}`
      const value = first.header(headerOf(target, 'name') ?? '')[0] ?? ''
      const bytes = Buffer.from(value, 'latin1').toString('utf8')
      const meant = PEOPLE.find(({ id }) => id === 'mei')?.name
      const read = [bytes, percentDecoded(bytes), Buffer.from(value, 'base64url').toString()]
      return read.includes(meant) ? undefined : `\`${value}\` arrived`
    }),
  ],
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Servers refuse longer lines: 8 KB is the bound of Apache and nginx alike. */
const LONGEST = 8_190

export const manyGroups: Attack = {
  id: 'A10',
  name: 'five hundred groups become no header that servers refuse',
  inapplicable: sendsNo('groups'),
  attempts: () => [
    askAs('many', ({ arrived: [first] }) => {
      const longest = Math.max(0, ...(first?.head.split('\r\n').map(({ length }) => length) ?? []))
      return longest <= LONGEST ? undefined : `a header line of ${longest} bytes arrived`
    }),
  ],
}
