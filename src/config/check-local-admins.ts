/** What a schema cannot say of `local_admins`: hashes, networks, and names that are alike. */

import { type AddressTest, compileNetwork } from '../policy/language/address.ts'
import { type PasswordHash, parsePasswordHash } from '../support/password-hash.ts'
import type { EpochMs } from '../support/time.ts'
import type { Findings } from './findings.ts'
import type { LocalAdminConfig } from './schema-local-admins.ts'

/** An administrator as it was read: who may sign in, from where, and until when. */
export interface LocalAdmin {
  readonly name: string
  readonly hash: PasswordHash
  readonly groups: readonly string[]
  readonly expires: EpochMs | undefined
  readonly mayCome: AddressTest
}

/** Those that can be used; the others are errors. */
export function checkLocalAdmins(
  admins: readonly LocalAdminConfig[],
  now: EpochMs,
  findings: Findings,
): readonly LocalAdmin[] {
  const names = new Set<string>()
  return admins.flatMap((admin, index) => {
    const at = ['local_admins', index] as const
    const { name, groups = [], expires } = admin
    const canonical = name.toLowerCase()
    if (names.has(canonical)) {
      findings.error([...at, 'name'], `two local administrators are called \`${name}\``)
    }
    names.add(canonical)
    if (expires !== undefined && expires <= now) {
      findings.warn([...at, 'expires'], `\`${name}\` has expired and cannot sign in`)
    }
    if (admin.networks === undefined) {
      findings.warn(
        [...at, 'name'],
        `\`${name}\` may sign in from anywhere; name the \`networks\` of your administrators`,
      )
    }
    const hash = parsePasswordHash(admin.password_hash.reveal())
    if (typeof hash === 'string') findings.error([...at, 'password_hash'], hash)
    const networks = (admin.networks ?? []).map((text, i) => {
      const network = compileNetwork(text)
      if (typeof network === 'string') findings.error([...at, 'networks', i], network)
      return network
    })
    const tests = networks.flatMap((network) =>
      typeof network === 'string' ? [] : network.contains,
    )
    if (typeof hash === 'string' || tests.length < networks.length) return []
    const mayCome: AddressTest =
      admin.networks === undefined ? () => true : (address) => tests.some((test) => test(address))
    return { name, hash, groups, expires, mayCome }
  })
}
