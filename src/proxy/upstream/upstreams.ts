/** The upstreams of all routes: connections kept over reloads, shared by routes that lead to the same place. */

import type { HealthCheck, Route, UpstreamTargets, UpstreamUrl } from '../../policy/route.ts'
import type { Log } from '../../support/log.ts'
import { type Balancer, createBalancer, type Target } from './balancer.ts'
import { Deadlines } from './deadlines.ts'
import { Endpoint } from './endpoint.ts'
import { type HealthMonitor, watchHealth } from './health-checks.ts'
import { upstreamKey } from './upstream-socket.ts'

export interface Upstreams {
  /** Who shares out the requests of a route that has `to`. */
  balancer(route: Route): Balancer
  /**
   * Keeps the connections and health checks that `routes` need and begins those that are new; lets go of the others
   * once their requests are done.
   */
  retain(routes: readonly Route[]): void
  close(): void
}

export function createUpstreams(log: Log): Upstreams {
  const deadlines = new Deadlines()
  const endpoints = new Map<string, Endpoint>()
  const monitors = new Map<string, HealthMonitor>()
  let balancers = new WeakMap<Route, Balancer>()

  const endpointOf = (url: UpstreamUrl, tls: Route['tls']): Endpoint => {
    const key = upstreamKey(url, tls)
    let endpoint = endpoints.get(key)
    if (endpoint === undefined) {
      endpoint = new Endpoint(url, tls, deadlines)
      endpoints.set(key, endpoint)
    }
    return endpoint
  }

  const monitorOf = (
    url: UpstreamUrl,
    endpoint: Endpoint,
    tls: Route['tls'],
    check: HealthCheck,
  ): HealthMonitor => {
    const key = monitorKey(url, tls, check)
    let monitor = monitors.get(key)
    if (monitor === undefined) {
      monitor = watchHealth({ url, endpoint, check, log })
      monitors.set(key, monitor)
    }
    return monitor
  }

  const balancerOf = ({ urls, policy, healthCheck }: UpstreamTargets, { tls }: Route): Balancer =>
    createBalancer(
      urls.map((url): Target => {
        const endpoint = endpointOf(url, tls)
        if (healthCheck === undefined) return { url, endpoint, isHealthy: always }
        const monitor = monitorOf(url, endpoint, tls, healthCheck)
        return { url, endpoint, isHealthy: () => monitor.isHealthy() }
      }),
      policy,
    )

  return {
    balancer: (route) => {
      const known = balancers.get(route)
      if (known !== undefined) return known
      if (route.to === undefined) throw new TypeError(`route ${route.name} has no upstream`)
      const balancer = balancerOf(route.to, route)
      balancers.set(route, balancer)
      return balancer
    },
    retain: (routes) => {
      const neededPools = new Set<string>()
      const neededMonitors = new Set<string>()
      for (const { to, tls } of routes) {
        for (const url of to?.urls ?? []) {
          neededPools.add(upstreamKey(url, tls))
          const check = to?.healthCheck
          if (check === undefined) continue
          neededMonitors.add(monitorKey(url, tls, check))
          monitorOf(url, endpointOf(url, tls), tls, check)
        }
      }
      for (const [key, monitor] of monitors) {
        if (neededMonitors.has(key)) continue
        monitors.delete(key)
        monitor.stop()
      }
      for (const [key, endpoint] of endpoints) {
        if (neededPools.has(key)) continue
        endpoints.delete(key)
        endpoint.close()
      }
      // A request that began before the reload may still come here with a route of before: not with a closed pool.
      balancers = new WeakMap()
    },
    close: () => {
      for (const monitor of monitors.values()) monitor.stop()
      monitors.clear()
      for (const endpoint of endpoints.values()) endpoint.destroy()
      endpoints.clear()
    },
  }
}

function always(): boolean {
  return true
}

function monitorKey(url: UpstreamUrl, tls: Route['tls'], check: HealthCheck): string {
  return JSON.stringify([upstreamKey(url, tls), url.basePath, check])
}
