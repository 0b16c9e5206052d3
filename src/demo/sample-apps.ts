/** The demo's two apps behind Gatehouse. They know nothing of sign-in: they read headers and verify the assertion. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AssertionVerdict, createAssertionVerifier } from './assertion.ts'
import { sendPage } from './html.ts'
import { type LoopbackServer, listenOnLoopback } from './listen.ts'
import { sampleAppPage } from './sample-app-page.ts'

export interface SampleAppOptions {
  readonly title: string
  /** As people type it, such as `http://hello.localhost:8080`. */
  readonly origin: string
  readonly otherApp: { readonly title: string; readonly origin: string }
  /** Gatehouse's public URL, which the assertion names as its issuer. */
  readonly publicUrl: string
  /** Where Gatehouse's keys are fetched from. */
  readonly jwksUrl: string
}

/** What an app has learnt from one request. */
export interface Visit {
  readonly app: string
  readonly method: string
  readonly path: string
  readonly name: string | undefined
  readonly email: string | undefined
  readonly groups: readonly string[]
  /** Names and values as they came. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly assertion: AssertionVerdict
}

/** Starts an app on 127.0.0.1. It answers every path: a page, or the same as JSON where `Accept` asks for it. */
export function startSampleApp(options: SampleAppOptions): Promise<LoopbackServer> {
  const verify = createAssertionVerifier({
    jwksUrl: options.jwksUrl,
    issuer: options.publicUrl,
    audience: options.origin,
  })
  return listenOnLoopback((request, response) => {
    // A body that nobody reads would keep the connection from being used again.
    request.resume()
    verify(oneHeader(request, 'x-gatehouse-jwt-assertion')).then(
      (assertion) => answer(options, readVisit(options.title, request, assertion), response),
      (cause: Error) => response.destroy(cause),
    )
  })
}

function answer(options: SampleAppOptions, visit: Visit, response: ServerResponse): void {
  const accept = visit.headers.find(([name]) => name.toLowerCase() === 'accept')?.[1] ?? ''
  if (accept.includes('application/json') && !accept.includes('text/html')) {
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(`${JSON.stringify(visit, undefined, 2)}\n`)
    return
  }
  sendPage(response, 200, sampleAppPage(visit, options.otherApp))
}

function readVisit(app: string, request: IncomingMessage, assertion: AssertionVerdict): Visit {
  const headers = pairs(request.rawHeaders)
  // No header carries the display name: it is taken from the assertion, and only once that is verified.
  const verifiedName = assertion.kind === 'verified' ? assertion.claims['name'] : undefined
  const preferred = oneHeader(request, 'x-forwarded-preferred-username')
  return {
    app,
    method: request.method ?? '',
    path: new URL(request.url ?? '/', 'http://app.invalid').pathname,
    name: typeof verifiedName === 'string' ? verifiedName : decodeIfSent(preferred),
    email: decodeIfSent(oneHeader(request, 'x-forwarded-email')),
    groups: (oneHeader(request, 'x-forwarded-groups') ?? '')
      .split(',')
      .filter((group) => group !== '')
      .map(decode),
    headers,
    assertion,
  }
}

/** Gatehouse sends a header once; one that came twice is not its, and is not read. */
function oneHeader(request: IncomingMessage, name: string): string | undefined {
  const values = pairs(request.rawHeaders).filter(([sent]) => sent.toLowerCase() === name)
  return values.length === 1 ? values[0]?.[1] : undefined
}

function pairs(rawHeaders: readonly string[]): (readonly [string, string])[] {
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ''] as const] : [],
  )
}

const decodeIfSent = (value: string | undefined) =>
  value === undefined ? undefined : decode(value)

/** Identity headers are ASCII: what is not stands in them as percent-encoded UTF-8. */
function decode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
