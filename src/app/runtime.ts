/** Everything that is made from a snapshot and swapped with it: compiled plane, providers, signing keys. */

import type { Logger } from 'pino'
import type { Snapshot } from '../config/snapshot.ts'
import { type AssertionSigner, createAssertionSigner } from '../identity/assertion.ts'
import { createOpenIdProvider } from '../identity/openid-provider.ts'
import type { Provider } from '../identity/provider.ts'
import type { SessionStore } from '../identity/session-store.ts'
import { loadSigningKeys } from '../identity/signing-keys.ts'
import { compileDataPlane, type DataPlane } from '../proxy/data-plane.ts'
import type { Clock } from '../support/time.ts'

export interface Runtime {
  readonly snapshot: Snapshot
  readonly plane: DataPlane
  readonly signer: AssertionSigner
  readonly providers: ReadonlyMap<string, Provider>
}

export interface RuntimeParts {
  readonly store: SessionStore
  readonly now: Clock
  readonly log: Logger
}

/**
 * Builds what `snapshot` needs; a provider whose settings did not change is taken over with all that it knows.
 * Rejects without having changed anything where a part cannot be built.
 */
export async function buildRuntime(
  snapshot: Snapshot,
  { store, now, log }: RuntimeParts,
  previous: Runtime | undefined,
): Promise<Runtime> {
  const keys = await loadSigningKeys({
    configured: snapshot.signingKeys.map((key) => key.reveal()),
    store,
    secrets: snapshot.sessionSecrets,
  })
  const signer = await createAssertionSigner({ keys, now })
  return {
    snapshot,
    signer,
    plane: compileDataPlane(snapshot, signer, now),
    providers: buildProviders(snapshot, log, previous),
  }
}

function buildProviders(
  snapshot: Snapshot,
  log: Logger,
  previous: Runtime | undefined,
): ReadonlyMap<string, Provider> {
  const { providers, server } = snapshot.config
  const built = new Map<string, Provider>()
  for (const [name, config] of Object.entries(providers)) {
    const known = previous?.providers.get(name)
    built.set(
      name,
      known !== undefined &&
        previous !== undefined &&
        isSameProvider(name, snapshot, previous.snapshot)
        ? known
        : createOpenIdProvider(name, config, { publicUrl: server.public_url, log }),
    )
  }
  return built
}

function isSameProvider(name: string, one: Snapshot, other: Snapshot): boolean {
  return providerText(name, one) === providerText(name, other)
}

function providerText(name: string, { config }: Snapshot): string {
  const provider = config.providers[name]
  // A secret prints as `[secret]`, so that its change would not show.
  return JSON.stringify([config.server.public_url, provider, provider?.client_secret?.reveal()])
}

/** Closes the providers of `old` that `next` did not take over. */
export function closeReplaced(old: Runtime, next: Runtime): void {
  for (const [name, provider] of old.providers) {
    if (next.providers.get(name) !== provider) provider.close()
  }
}
