/**
 * Annotations `gatehouse.dev/...` of an Ingress. Who may edit it picks a policy and sets what concerns the app alone:
 * nothing that lets anybody in, or that touches identities, the verification of certificates, or files.
 */

import { ROUTE_KEYS } from '../policy/route/route-keys.ts'
import { didYouMean } from '../support/suggest.ts'
import { ANNOTATION_PREFIX, type IngressObject } from './objects.ts'
import type { PlainMap, PlainValue } from './route-nodes.ts'

export interface ReadAnnotations {
  /** Names of policies; empty: none is picked. */
  readonly policies: readonly string[]
  /** Keys of a route with their values, which are judged as those of a policy file. */
  readonly settings: PlainMap
  readonly problems: readonly string[]
}

const text = (value: string): PlainValue => value

const SAFE: ReadonlyMap<string, (value: string) => PlainValue> = new Map([
  ['description', text],
  ['contact', text],
  ['timeout', text],
  ['idle_timeout', text],
  ['prefix_rewrite', text],
  ['allow_websockets', flag],
  ['preserve_host_header', flag],
  ['websocket_origins', listed],
])

/** Everybody sees it who may open the app. */
const SHOWABLE = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{0,200}$/u

/** Each path of an Ingress is compiled with all of them: a value as long as Kubernetes permits would be the end of us. */
const MAX_VALUE = 4_096

/** @param allowed policies that may be picked; `undefined`: all */
export function readAnnotations(
  { annotations }: Pick<IngressObject, 'annotations'>,
  allowed: readonly string[] | undefined,
): ReadAnnotations {
  const problems: string[] = []
  const settings: Record<string, PlainValue> = {}
  for (const [key, value] of annotations) {
    const read = SAFE.get(key)
    if (value.length > MAX_VALUE && (read !== undefined || key === 'policy')) {
      problems.push(`\`${ANNOTATION_PREFIX}${key}\` has more than ${MAX_VALUE} characters`)
    } else if (read !== undefined) settings[key] = read(value.trim())
    else if (key !== 'policy') problems.push(refusal(key))
  }
  for (const key of ['description', 'contact'] as const) {
    const shown = settings[key]
    if (typeof shown === 'string' && !SHOWABLE.test(shown)) {
      problems.push(
        `\`${ANNOTATION_PREFIX}${key}\` is one line of at most 200 characters that show`,
      )
    }
  }
  const origins = settings['websocket_origins']
  if (Array.isArray(origins) && origins.includes('*')) {
    problems.push(
      `\`${ANNOTATION_PREFIX}websocket_origins\` takes origins: \`*\`, which takes all, stands in policy files only`,
    )
  }
  const policies = readPolicies(annotations.get('policy'), allowed, problems)
  return { policies, settings, problems }
}

function readPolicies(
  policy: string | undefined,
  allowed: readonly string[] | undefined,
  problems: string[],
): readonly string[] {
  if (policy === undefined) return []
  const policies = [...new Set(listed(policy.slice(0, MAX_VALUE)))]
  if (policies.length === 0) {
    problems.push(`\`${ANNOTATION_PREFIX}policy\` is empty: name a policy of the policy files`)
  }
  for (const name of policies) {
    if (allowed === undefined || allowed.includes(name)) continue
    problems.push(
      `the policy \`${name}\` is not for Ingresses${didYouMean(name, allowed)}: the config names those that are in \`kubernetes.policies\``,
    )
  }
  return policies
}

/** What is neither is refused by whoever reads the key. */
function flag(value: string): PlainValue {
  return value === 'true' || value === 'false' ? value === 'true' : value
}

/** Names between commas. */
function listed(value: string): readonly string[] {
  return value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

function refusal(key: string): string {
  const name = `\`${ANNOTATION_PREFIX}${key}\``
  return (ROUTE_KEYS as readonly string[]).includes(key)
    ? `${name} cannot be set on an Ingress: this key stands in policy files only`
    : `unknown annotation ${name}${didYouMean(key, ['policy', ...SAFE.keys()])}`
}
