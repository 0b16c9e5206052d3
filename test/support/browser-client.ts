/** A browser without a screen: keeps cookies as browsers do, sends the headers of a page visit, follows by hand. */

import { type IncomingHttpHeaders, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { refuseSecretsIn } from './written-secrets.ts'

export interface BrowserAnswer {
  readonly url: string
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly setCookies: readonly string[]
  /** Absolute; `undefined` where the answer leads nowhere else. */
  readonly location: string | undefined
  json(): Record<string, unknown>
}

export interface SendOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** False: neither takes cookies along nor keeps any. */
  readonly cookies?: boolean
}

export interface FollowOptions extends SendOptions {
  /** Stops before an address for which this is true. */
  readonly until?: (url: URL) => boolean
  /** How many addresses at most; the test fails past it. */
  readonly max?: number
}

interface Cookie {
  readonly value: string
  readonly attributes: ReadonlyMap<string, string>
}

export interface BrowserClient {
  /** One request, nothing followed. */
  send(url: string, options?: SendOptions): Promise<BrowserAnswer>
  /** One page visit, nothing followed. */
  visit(url: string, options?: SendOptions): Promise<BrowserAnswer>
  /** A page visit, and on from there; the last answer, with all before it. */
  follow(
    url: string,
    options?: FollowOptions,
  ): Promise<BrowserAnswer & { readonly way: readonly BrowserAnswer[] }>
  /** Posts a form as a page of `url`'s own origin does. */
  post(
    url: string,
    form?: Readonly<Record<string, string>>,
    options?: SendOptions,
  ): Promise<BrowserAnswer>
  /** Cookies that would be sent to `host`. */
  cookies(host: string): ReadonlyMap<string, string>
  setCookie(host: string, name: string, value: string): void
  /** What the Cookie header for `host` is. */
  cookieHeader(host: string): string
  clearCookies(): void
}

/**
 * @param port where the gateway listens: every host but 127.0.0.1 is looked for there, https ones too, as if a proxy
 * in front had ended TLS
 */
export function createBrowserClient(port: number): BrowserClient {
  const jars = new Map<string, Map<string, Cookie>>()
  const jarOf = (host: string) => {
    const jar = jars.get(host) ?? new Map<string, Cookie>()
    jars.set(host, jar)
    return jar
  }
  const cookieHeader = (host: string) =>
    [...jarOf(host)].map(([name, { value }]) => `${name}=${value}`).join('; ')

  async function send(address: string, options: SendOptions = {}): Promise<BrowserAnswer> {
    const url = new URL(address)
    const withCookies = options.cookies !== false
    const cookie = withCookies ? cookieHeader(url.hostname) : ''
    const answer = await exchange(url, port, options, cookie)
    if (withCookies) for (const line of answer.setCookies) keep(jarOf(url.hostname), url, line)
    return answer
  }
  const visit = (url: string, options: SendOptions = {}) =>
    send(url, { ...options, headers: { ...PAGE_VISIT, ...options.headers } })

  return {
    send,
    visit,
    async follow(url, options = {}) {
      const way: BrowserAnswer[] = []
      let next: string | undefined = url
      let answer: BrowserAnswer | undefined
      while (next !== undefined) {
        if (answer !== undefined && options.until?.(new URL(next)) === true) break
        if (way.length >= (options.max ?? 20)) throw new Error(`no end at ${next}`)
        answer = await visit(next, options)
        way.push(answer)
        next = answer.location
      }
      if (answer === undefined) throw new Error('nothing to follow')
      return { ...answer, way }
    },
    post: (url, form = {}, options = {}) =>
      send(url, {
        ...options,
        method: 'POST',
        body: new URLSearchParams(form).toString(),
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'text/html',
          origin: new URL(url).origin,
          'sec-fetch-site': 'same-origin',
          'sec-fetch-mode': 'navigate',
          ...options.headers,
        },
      }),
    cookies: (host) => new Map([...jarOf(host)].map(([name, { value }]) => [name, value])),
    setCookie: (host, name, value) => {
      jarOf(host).set(name, { value, attributes: new Map() })
    },
    cookieHeader,
    clearCookies: () => jars.clear(),
  }
}

const PAGE_VISIT = {
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
}

function exchange(
  url: URL,
  gatewayPort: number,
  options: SendOptions,
  cookie: string,
): Promise<BrowserAnswer> {
  const isOutside = url.hostname === '127.0.0.1'
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: isOutside ? url.port : gatewayPort,
        path: url.pathname + url.search,
        method: options.method ?? 'GET',
        headers: { host: url.host, ...(cookie === '' ? {} : { cookie }), ...options.headers },
        agent: false,
      },
      (response) => {
        const status = response.statusCode ?? 0
        const { location } = response.headers
        const read = text(response)
        const checked = isOutside ? read : read.then((body) => refuseSecretsIn(body, url.href))
        checked.then(
          (body) =>
            resolve({
              url: url.href,
              status,
              headers: response.headers,
              body,
              setCookies: response.headers['set-cookie'] ?? [],
              location: location === undefined ? undefined : new URL(location, url).href,
              json: () => JSON.parse(body) as Record<string, unknown>,
            }),
          reject,
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(options.body)
  })
}

/** RFC 6265bis §5.6 as far as it matters here; throws where a browser would drop the cookie without a word. */
function keep(jar: Map<string, Cookie>, url: URL, line: string): void {
  const [pair = '', ...rest] = line.split(';').map((part) => part.trim())
  const name = pair.slice(0, pair.indexOf('='))
  const value = pair.slice(pair.indexOf('=') + 1)
  const attributes = new Map(
    rest.map((part) => {
      const at = part.indexOf('=')
      return at === -1
        ? [part.toLowerCase(), '']
        : [part.slice(0, at).toLowerCase(), part.slice(at + 1)]
    }),
  )
  if (attributes.has('secure') && url.protocol !== 'https:') {
    throw new Error(`a Secure cookie over http: ${name}`)
  }
  if (name.startsWith('__Host-')) {
    const holds =
      attributes.has('secure') && attributes.get('path') === '/' && !attributes.has('domain')
    if (!holds) throw new Error(`browsers drop this cookie: ${line}`)
  }
  if (Number(attributes.get('max-age') ?? 1) <= 0) jar.delete(name)
  else jar.set(name, { value, attributes })
}
