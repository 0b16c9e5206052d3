/** Traces, as the rooms see them: where tracing is off there is none, and nothing is done for it. */

/** The stages of a request that take time. */
export type TracedStage = 'match' | 'session' | 'decide' | 'upstream'

/** What a trace tells of a request when it is over. No path, no query, nobody's name: the decision log has them by the id. */
export interface TracedOutcome {
  readonly status: number
  readonly route: string | undefined
  readonly outcome: string | undefined
  readonly reason: string | undefined
}

export interface RequestTrace {
  /** This stage begins, and the one before it ends. */
  stage(name: TracedStage): void
  /** `traceparent` for whoever is asked in this stage. W3C Trace Context §3.2 */
  traceparent(): string
  /** Runs `act`; calls that it makes, now or later, belong to this trace. */
  run<T>(act: () => T): T
  end(outcome: TracedOutcome): void
}

export interface TracedRequest {
  readonly method: string
  readonly requestId: string
  /** What the client sent, where it sent it once. */
  readonly traceparent: string | undefined
}

type AnyFetch = (url: string, init: RequestInit) => Promise<Response>

export interface Tracing {
  request(request: TracedRequest): RequestTrace
  /** `fetch`, each call of which is a span of the trace that it is made for. @param to whom it asks, as in `provider okta` */
  fetch(to: string, fetch: AnyFetch): AnyFetch
}
