/** Class B: what a client says about where it comes from and what it asked for changes no decision. */

import { type Attack, attempt } from '../attack.ts'
import { HOST } from '../target.ts'
import { lastOf } from './identity.ts'

/** Headers by which proxies in front tell what was asked for; here nobody vouches for them. */
export const MISLEADING: Readonly<Record<string, string>> = {
  'X-Forwarded-Uri': '/public/',
  'X-Forwarded-Method': 'OPTIONS',
  'X-Forwarded-Prefix': '/public',
  'X-Forwarded-Path': '/public/',
  'X-Original-URL': '/public/',
  'X-Original-URI': '/public/',
  'X-Original-Method': 'OPTIONS',
  'X-Rewrite-URL': '/public/',
  'X-HTTP-Method-Override': 'GET',
  'X-HTTP-Method': 'GET',
  'X-Method-Override': 'GET',
  'X-Forwarded-Host': 'localhost:8080',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Port': '443',
  'X-Forwarded-Server': 'localhost',
  'X-Host': 'localhost',
  'X-Original-Host': 'localhost',
  Forwarded: 'for=10.0.0.1;host=localhost;proto=https',
  'X-Forwarded-For': '10.0.0.1',
  'X-Real-IP': '10.0.0.1',
  'X-Client-IP': '10.0.0.1',
  'True-Client-IP': '10.0.0.1',
  Via: '1.1 trusted',
}

const ask = (first: string, ...lines: readonly string[]) =>
  `${[`${first} HTTP/1.1`, `Host: ${HOST}`, ...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`

const METHODS = ['GET', 'POST', 'OPTIONS'] as const

export const misleadingHeaders: Attack = {
  id: 'B1, B4',
  name: 'no header about another path, method or host opens a closed path',
  attempts: () => {
    const all = Object.entries(MISLEADING).map(([name, value]) => `${name}: ${value}`)
    return METHODS.flatMap((method) => [
      ...all.map((line) => attempt(`${method} with ${line}`, ask(`${method} /admin`, line))),
      attempt(`${method} with all of them`, ask(`${method} /admin`, ...all)),
    ])
  },
}

const SPOOFED = [
  'X-Forwarded-For: 10.1.1.1, 10.2.2.2',
  'X_Forwarded_For: 10.3.3.3',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-Port: 443',
  'Forwarded: for=10.4.4.4;host=evil.example',
  'X-Request-Id: chosen',
]

export const spoofedOrigin: Attack = {
  id: 'B5',
  name: 'the nearest item of what it tells of address, host and scheme is true',
  attempts: ({ vouches }) =>
    Object.entries(vouches).map(([name, truth]) =>
      attempt(name, ask('GET /public/x', ...SPOOFED), {
        judge: ({ arrived: [first], answer }) => {
          if (first === undefined) return `nothing arrived: ${answer.status}`
          const told = lastOf(first, name)
          return truth.test(told) ? undefined : `\`${name}: ${told}\` arrived`
        },
      }),
    ),
}

const SPOOFED_HOSTS = [
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Port: 444',
  'X-Host: evil.example',
  'Forwarded: host=evil.example;proto=https',
]

export const spoofedHost: Attack = {
  id: 'B3',
  name: 'the redirect to a sign-in is built from configured hosts',
  attempts: () =>
    ['/admin', '/x?y'].map((path) =>
      attempt(path, ask(`GET ${path}`, 'Accept: text/html', ...SPOOFED_HOSTS), {
        judge: ({ answer }) => {
          const location = answer.header('location') ?? ''
          if (location === '') return `it leads nowhere: ${answer.status}`
          return /evil|444|https/.test(location) ? `it leads to ${location}` : undefined
        },
      }),
    ),
}
