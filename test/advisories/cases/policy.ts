/** Class G: what only looks allowed stays closed. */

import { type Attack, attempt } from '../attack.ts'
import { HOST } from '../target.ts'

const METHODS = ['GET', 'POST', 'OPTIONS'] as const
const PATHS = ['/admin', '/admin/', '/admin/x', '/admin?x'] as const

const lookAlikes = (who: 'mallory' | 'spaces', name: string): Attack => ({
  id: 'G6',
  name,
  attempts: () =>
    METHODS.flatMap((method) =>
      PATHS.map((path) =>
        attempt(
          `${method} ${path}`,
          (cookie) =>
            `${method} ${path} HTTP/1.1\r\nHost: ${HOST}\r\n${cookie}Connection: close\r\n\r\n`,
          { who },
        ),
      ),
    ),
})

export const similarGroups: readonly Attack[] = [
  lookAlikes('mallory', 'groups named `Admins`, `admins-ro`, `xadmins`, `adm`, `staff,admins`'),
  lookAlikes('spaces', 'groups whose names are `admins` with spaces or another word'),
]

export const PROBES = [
  '/healthz',
  '/health',
  '/ping',
  '/ready',
  '/readyz',
  '/livez',
  '/status',
  '/server-status',
  '/server-info',
  '/metrics',
  '/config',
  '/decisions',
  '/sessions',
  '/favicon.ico',
  '/robots.txt',
  '/.well-known/acme-challenge/x',
  '/debug/pprof/',
] as const

const AGENTS = [
  'kube-probe/1.30',
  'GoogleHC/1.0',
  'ELB-HealthChecker/2.0',
  'Prometheus/2.50',
  'Amazon-Route53-Health-Check-Service',
  'curl/8',
] as const

export const healthChecks: Attack = {
  id: 'G8, G15',
  name: 'paths and user agents of health checks and of operators',
  attempts: () =>
    PROBES.flatMap((path) =>
      AGENTS.map((agent) =>
        attempt(
          `${path} by ${agent}`,
          `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\nUser-Agent: ${agent}\r\nConnection: close\r\n\r\n`,
          { judge: ({ answer }) => (answer.status === 200 ? 'it is answered 200' : undefined) },
        ),
      ),
    ),
}
