/**
 * What no log may hold, looked for in the logs of every gateway that a test starts: whatever the test is about, a token, a
 * secret, a code or a cookie that was written fails it.
 */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scope } from './scope.ts'

const SHAPES: Readonly<Record<string, RegExp>> = {
  'a JWT': /eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*/,
  'a cookie of ours': /gatehouse(?:-signin)?(?:-[\w]+)?=[\w.-]{16,}/,
  'a parameter of a sign-in':
    /[?&](?:code|state|nonce|id_token|access_token|refresh_token|client_secret|password)=[^&"\s]{4,}/,
  'credentials of a header': /\b(?:Bearer|Basic|SSWS|DPoP) [\w+/=.~-]{16,}/,
}
/** Keys of the config whose value is a secret. */
const SECRET_KEYS = new Set([
  ...['secret', 'client_secret', 'private_key', 'signing_key', 'api_token', 'service_account'],
  ...['event_hook_secret', 'admin_token', 'password_hash'],
])
/** Shorter ones could be found by accident. */
const SHORTEST = 12

/** What of it stands in `text`, by its kind. */
export function secretsIn(text: string, secrets: readonly string[]): readonly string[] {
  const kinds = Object.entries(SHAPES).flatMap(([kind, shape]) => {
    const [found] = shape.exec(text) ?? []
    return found === undefined ? [] : [`${kind}: ${found}`]
  })
  const known = secrets.filter((secret) => text.includes(secret))
  return [...kinds, ...known.map((secret) => `a secret of the config: ${secret}`)]
}

/** All secrets that a config holds, however deep. */
export function secretsOf(config: unknown): readonly string[] {
  if (typeof config !== 'object' || config === null) return []
  return Object.entries(config).flatMap(([key, value]) => {
    if (!SECRET_KEYS.has(key)) return secretsOf(value)
    return [value].flat().filter((text) => typeof text === 'string' && text.length >= SHORTEST)
  })
}

/** Of all gateways that this process has started. */
const known = new Set<string>()

/**
 * What no page and no error may hold, also where an app answers: a cookie of ours does not reach it.
 * @throws Error that names it
 */
export function refuseSecretsIn(body: string, url: string): string {
  const cookie = SHAPES['a cookie of ours']?.exec(body)?.[0]
  const found = cookie ?? [...known].find((secret) => body.includes(secret))
  if (found !== undefined) throw new Error(`in the answer of ${url}: ${found}`)
  return body
}

/** Looks at the log files in `folder`, and at what `more` tells, when the gateway of the test has ended. */
export function checkWhatWasWritten(t: Scope, folder: string, more: () => string = () => ''): void {
  const config: unknown = JSON.parse(readFileSync(join(folder, 'gatehouse.yaml'), 'utf8'))
  const secrets = secretsOf(config)
  for (const secret of secrets) known.add(secret)
  t.teardown(() => {
    const files = ['decisions.log', 'audit.log'].map((name) => join(folder, name))
    const written = files
      .filter((file) => existsSync(file))
      .map((file) => readFileSync(file, 'utf8'))
    const found = secretsIn([...written, more()].join('\n'), secrets)
    if (found.length > 0) throw new Error(`in the logs of a gateway: ${found.join('; ')}`)
  })
}
