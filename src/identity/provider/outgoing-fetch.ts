/** How providers and their directories are reached: directly or by the proxy of the environment, with which authorities. */

import { getCACertificates } from 'node:tls'
import { EnvHttpProxyAgent, fetch as undiciFetch } from 'undici'
import type { Fetch } from './provider-fetch.ts'

/** What the environment says of proxies; empty texts: none. */
export interface ProxySettings {
  /** For https addresses; plain http, which does not leave loopback or a network of one's own, goes directly. */
  readonly httpsProxy: string
  /** Hosts that are reached directly, separated by commas; `*` for all. */
  readonly noProxy: string
}

export const NO_PROXIES: ProxySettings = { httpsProxy: '', noProxy: '' }

export interface OutgoingFetch {
  readonly fetch: Fetch
  /** Ends its connections. */
  close(): void
}

/**
 * As curl reads the variables: in lower case before upper case.
 * @throws Error, with a sentence for people, where the proxy is no URL
 */
export function proxySettings(env: Readonly<Record<string, string | undefined>>): ProxySettings {
  const name = env['https_proxy'] ? 'https_proxy' : 'HTTPS_PROXY'
  const httpsProxy = env[name] ?? ''
  const protocol = URL.parse(httpsProxy)?.protocol
  if (httpsProxy !== '' && protocol !== 'http:' && protocol !== 'https:') {
    throw new Error(
      `environment variable \`${name}\` must be a URL such as \`http://proxy.example.com:3128\``,
    )
  }
  return { httpsProxy, noProxy: env['no_proxy'] || env['NO_PROXY'] || '' }
}

/** @param ca PEM of authorities that are trusted besides those of the system */
export function createOutgoingFetch(
  { httpsProxy, noProxy }: ProxySettings,
  ca: string | undefined,
): OutgoingFetch {
  const trust = ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }
  const dispatcher = new EnvHttpProxyAgent({
    // Texts, even empty ones: what is left out it would read from the environment by itself.
    httpProxy: '',
    httpsProxy,
    noProxy,
    connect: trust,
    requestTls: trust,
    proxyTls: trust,
  })
  return {
    fetch: async (url, { method, headers, body, redirect, signal }) => {
      const answer = await undiciFetch(url, {
        dispatcher,
        redirect: redirect ?? 'manual',
        ...(method === undefined ? {} : { method }),
        ...(headers === undefined ? {} : { headers: [...new Headers(headers)] }),
        ...(body === undefined || body === null ? {} : { body: body as string | URLSearchParams }),
        ...(signal === undefined ? {} : { signal }),
      })
      // Of this process's own class, which the rest of it knows.
      return new Response(answer.body as ReadableStream | null, {
        status: answer.status,
        headers: [...answer.headers],
      })
    },
    close: () => {
      // What is still under way has been aborted by its signal, or is of nobody's interest any more.
      dispatcher.destroy().catch(() => undefined)
    },
  }
}
