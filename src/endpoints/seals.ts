/** What sign-ins leave with browsers and providers, sealed: one purpose each, so that none passes for another. */

import { createSealer, type Sealer } from '../identity/seal.ts'

export interface Seals {
  readonly cookie: Sealer
  readonly state: Sealer
}

const known = new WeakMap<readonly Uint8Array[], Seals>()

/** @param secrets gives the same array until the secrets change */
export function createSeals(secrets: readonly Uint8Array[]): Seals {
  const made = known.get(secrets) ?? {
    cookie: createSealer(secrets, 'sign-in cookie'),
    state: createSealer(secrets, 'sign-in state'),
  }
  known.set(secrets, made)
  return made
}
