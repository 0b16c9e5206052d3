/** `health_check`: each upstream is asked regularly, and passed over while it fails. */

import type { HealthCheck, UpstreamUrl } from '../../policy/route.ts'
import { type Every, every } from '../../support/every.ts'
import type { Log } from '../../support/log.ts'
import { hostOf } from '../upstream-headers.ts'
import type { Endpoint } from './endpoint.ts'
import type { UpstreamCall } from './upstream-call.ts'

export interface HealthMonitor {
  isHealthy(): boolean
  stop(): void
}

export interface MonitorOptions {
  readonly url: UpstreamUrl
  readonly endpoint: Endpoint
  readonly check: HealthCheck
  readonly log: Log
  readonly every?: Every
}

/** Asks at once and then at the check's interval; healthy until so many checks in a row have failed. */
export function watchHealth(options: MonitorOptions): HealthMonitor {
  const { url, check, log } = options
  let healthy = true
  let row = 0
  let asking = false

  const learn = (good: boolean, why: string): void => {
    row = good === healthy ? 0 : row + 1
    if (row < (good ? check.healthy : check.unhealthy)) return
    healthy = good
    row = 0
    const upstream = url.socketPath ?? url.origin
    if (good) log.info({ upstream }, 'an upstream is well again')
    else log.warn({ upstream, path: check.path, detail: why }, 'an upstream fails its health check')
  }
  const ask = async (): Promise<void> => {
    if (asking) return
    asking = true
    try {
      const status = await askOnce(options)
      learn(status >= 200 && status < 400, `HTTP ${status}`)
    } catch (error) {
      learn(false, error instanceof Error ? error.message : String(error))
    } finally {
      asking = false
    }
  }
  void ask()
  const stop = (options.every ?? every)(check.intervalMs, () => void ask())
  return { isHealthy: () => healthy, stop }
}

/** Rejects where no whole answer comes in time. */
function askOnce({ url, endpoint, check }: MonitorOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 0
    let call: UpstreamCall | undefined
    const late = setTimeout(() => {
      const error = new Error(`no whole answer within ${check.timeoutMs} ms`)
      reject(error)
      call?.abort(error)
    }, check.timeoutMs)
    const end = (act: () => void) => {
      clearTimeout(late)
      act()
    }
    const request = {
      path: url.basePath + check.path,
      method: 'GET',
      headers: ['Host', hostOf(url), 'User-Agent', 'gatehouse-health-check'],
      body: null,
      headersTimeout: check.timeoutMs,
      bodyTimeout: check.timeoutMs,
    }
    const handler = {
      onConnect: (begun: UpstreamCall) => {
        call = begun
      },
      onHeaders: (code: number) => {
        status = code
      },
      onData: () => true,
      onComplete: () => end(() => resolve(status)),
      onError: (error: Error) => end(() => reject(error)),
    }
    endpoint.dispatch(request, handler, false)
  })
}
