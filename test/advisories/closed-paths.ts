/** Paths that lead nobody past a policy, whichever way they come in. */

import { HOST } from './target.ts'

/**
 * Spellings of `/admin` by which somebody may hope to be judged as on `/public/`, or not at all; by class and number of
 * the attack.
 */
export const CLOSED_PATHS_BY_ATTACK: Readonly<
  Record<string, { readonly about: string; readonly paths: readonly string[] }>
> = {
  C1: {
    about: 'dot segments, also with parameters',
    paths: [
      '/public/../admin',
      '/public/./../admin',
      '/public/..;/admin',
      '/public/..;x=1/admin',
      '/public;/../admin',
      '/admin;/public/',
      '/admin/..;/public/',
      '/admin/../public/',
    ],
  },
  C2: {
    about: 'encoded dot segments and letters',
    paths: [
      '/%61dmin',
      '/%61%64%6d%69%6e',
      '/%61%64%6D%69%6E/',
      '/public/%2e%2e/admin',
      '/public/%2E%2e/admin',
      '/public/.%2e/admin',
      '/public/%2e./admin',
      '/public/%c0%ae%c0%ae/admin',
      '/public/%e0%80%ae%e0%80%ae/admin',
      '/admin/%2e%2e/public/',
    ],
  },
  C3: {
    about: 'encoded slashes, backslashes',
    paths: [
      '/public/..%2fadmin',
      '/public/..%2Fadmin',
      '/public/%2e%2e%2fadmin',
      '/public/..%5cadmin',
      '/public\\..\\admin',
      '/public/..\\admin',
      '/public/%5c..%5cadmin',
      '/public/..%c0%afadmin',
    ],
  },
  C4: {
    about: 'repeated slashes',
    paths: ['/admin', '//admin', '///admin//', '/public/..//admin', `//${HOST}/admin`],
  },
  C6: {
    about: 'a query that looks like a path',
    paths: ['/admin?x=/public/', '/admin?/../public/'],
  },
  C7: {
    about: 'number signs, raw and encoded',
    paths: ['/admin?#', '/admin#/public/', '/public/#/../admin', '/public%23/../admin'],
  },
  C8: {
    about: 'encoded controls, spaces and NUL, malformed percent signs',
    paths: [
      '/public/..%00/admin',
      '/admin%00/public/',
      '/admin%0a/public/',
      '/admin%20',
      '/public/%',
      '/public/%2',
      '/public/%zz/../admin',
      '/public/%u002e%u002e/admin',
    ],
  },
  C11: {
    about: 'absolute targets, also for other hosts',
    paths: [
      `http://${HOST}/admin`,
      `http://${HOST}//admin`,
      `http://${HOST}:8080/admin`,
      `HTTP://${HOST.toUpperCase()}/admin`,
      `https://${HOST}/admin`,
      `http://${HOST}/public/../admin`,
      'http://evil.example/public/',
      `http://evil.example/public/@${HOST}/admin`,
      `http://${HOST}@evil.example/admin`,
      `http://evil.example@${HOST}/admin`,
      `http://${HOST}:80@evil.example/public/`,
      `http://${HOST}%2f@evil.example/public/`,
      `http:/${HOST}/public/`,
      `http:${HOST}/public/`,
    ],
  },
  C12: {
    about: 'targets that are no path',
    paths: ['http:///public/', 'admin', '*'],
  },
}

export const CLOSED_PATHS: readonly string[] = Object.values(CLOSED_PATHS_BY_ATTACK).flatMap(
  ({ paths }) => paths,
)
