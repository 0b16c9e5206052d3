/** The assertion's signing keys for a snapshot, asked of the store only where they may have changed. */

import { isDeepStrictEqual } from 'node:util'
import type { Snapshot } from '../config/snapshot.ts'
import { loadSigningPems } from '../identity/signing-keys.ts'
import type { SessionStore } from '../identity/store/session-store.ts'

export interface KeysInForce {
  readonly snapshot: Snapshot
  /** PEM; the first signs. */
  readonly signingPems: readonly string[]
}

/** Those in force where nothing has changed that they come from: a reload then needs no store. */
export async function signingPemsOf(
  snapshot: Snapshot,
  store: SessionStore,
  previous: KeysInForce | undefined,
): Promise<readonly string[]> {
  const source = keySource(snapshot)
  if (previous !== undefined && isDeepStrictEqual(source, keySource(previous.snapshot))) {
    return previous.signingPems
  }
  return loadSigningPems({ ...source, store })
}

function keySource({ signingKeys, sessionSecrets }: Snapshot) {
  return { configured: signingKeys.map((key) => key.reveal()), secrets: sessionSecrets }
}
