/** Where the assertion's signing keys come from: the config, or one that is made once and kept in the store. */

import { generateKeyPairSync } from 'node:crypto'
import { GatehouseError } from '../errors.ts'
import { readSigningKey, type SigningKey } from './assertion.ts'
import { createSealer, deriveKey } from './seal.ts'
import type { SessionStore } from './store/session-store.ts'

const PURPOSE = 'assertion-key'

export interface SigningKeySource {
  /** PEM texts of `identity_headers.signing_key`; empty where it is left out. */
  readonly configured: readonly string[]
  readonly store: SessionStore
  /** Decoded `session.secret`. */
  readonly secrets: readonly Uint8Array[]
}

/**
 * The configured keys, else the one that all replicas share through the store.
 * @throws TypeError for a configured key that is none; rejects with STORE_UNAVAILABLE
 */
export async function loadSigningKeys(source: SigningKeySource): Promise<readonly SigningKey[]> {
  return (await loadSigningPems(source)).map(readSigningKey)
}

/** The same as PEM texts, which can be sent to another process. Rejects with STORE_UNAVAILABLE. */
export async function loadSigningPems(source: SigningKeySource): Promise<readonly string[]> {
  return source.configured.length > 0 ? source.configured : [await keptPem(source)]
}

/**
 * There is an entry for each secret, so that the key survives a rotation: while both secrets are configured it is
 * copied from the old one's entry to the new one's. Whoever writes an entry first decides; nothing is overwritten.
 */
async function keptPem({ store, secrets }: SigningKeySource): Promise<string> {
  let pem = newSigningKeyPem()
  for (const secret of secrets.toReversed()) {
    const sealer = createSealer([secret], PURPOSE)
    const name = `${PURPOSE}/${deriveKey(secret, `${PURPOSE}-name`, 16).toString('base64url')}`
    const kept = sealer.openBytes(await store.keep(name, sealer.sealBytes(pem, name)), name)
    if (kept === undefined) {
      throw new GatehouseError('STORE_UNAVAILABLE', 'the signing key in the store was changed')
    }
    pem = kept.toString()
  }
  return pem
}

/** A new ES256 private key, PKCS #8 in PEM. */
export function newSigningKeyPem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
