/** Everything that is made from a snapshot and swapped with it: compiled plane, providers, signing keys. */

import type { Logger } from 'pino'
import type { Snapshot } from '../config/snapshot.ts'
import {
  type AssertionSigner,
  createAssertionSigner,
  readSigningKey,
} from '../identity/assertion.ts'
import { createOpenIdProvider } from '../identity/provider/openid-provider.ts'
import type { ProxySettings } from '../identity/provider/outgoing-fetch.ts'
import type { Provider } from '../identity/provider/provider.ts'
import type { RateLimits } from '../identity/rate-limits.ts'
import type { SessionStore } from '../identity/store/session-store.ts'
import { createBearer } from '../proxy/bearer.ts'
import { compileDataPlane, type DataPlane } from '../proxy/data-plane.ts'
import type { Clock } from '../support/time.ts'
import type { Tracing } from '../support/tracing.ts'
import {
  buildDirectories,
  closeReplacedDirectories,
  type Directories,
  type DirectoryParts,
} from './directories.ts'
import { signingPemsOf } from './signing-pems.ts'

export interface Runtime {
  readonly snapshot: Snapshot
  readonly plane: DataPlane
  readonly signer: AssertionSigner
  readonly providers: ReadonlyMap<string, Provider>
  readonly directories: Directories
  /** PEM; the first signs. */
  readonly signingPems: readonly string[]
}

export interface RuntimeParts {
  readonly store: SessionStore
  readonly rateLimits: RateLimits
  readonly now: Clock
  readonly log: Logger
  readonly proxies: ProxySettings
  readonly tracing: Tracing | undefined
  readonly directory: Pick<DirectoryParts, 'shared' | 'processes' | 'onResult' | 'onEnded'>
}

/**
 * Builds what `snapshot` needs; a provider whose settings did not change is taken over with all that it knows.
 * Rejects without having changed anything where a part cannot be built.
 * @param givenPems signing keys that another process has looked up
 */
export async function buildRuntime(
  snapshot: Snapshot,
  { store, rateLimits, now, log, proxies, tracing, directory }: RuntimeParts,
  previous: Runtime | undefined,
  givenPems?: readonly string[],
): Promise<Runtime> {
  const signingPems = givenPems ?? (await signingPemsOf(snapshot, store, previous))
  const signer = await createAssertionSigner({ keys: signingPems.map(readSigningKey), now })
  const providers = buildProviders(snapshot, { now, log, proxies, tracing }, previous)
  const admitBearer = createBearer({ providers, rateLimits, now })
  const plane = compileDataPlane(snapshot, { signer, admitBearer, now })
  const parts = { now, log, proxies, tracing, ...directory }
  const directories = buildDirectories(snapshot, parts, previous)
  return { snapshot, signer, signingPems, plane, providers, directories }
}

function buildProviders(
  snapshot: Snapshot,
  { tracing, ...parts }: Pick<RuntimeParts, 'now' | 'log' | 'proxies' | 'tracing'>,
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
        : createOpenIdProvider(name, config, {
            publicUrl: server.public_url,
            ca: snapshot.providerCas.get(name),
            trace: tracing && ((fetch) => tracing.fetch(`provider ${name}`, fetch)),
            ...parts,
          }),
    )
  }
  return built
}

function isSameProvider(name: string, one: Snapshot, other: Snapshot): boolean {
  return providerText(name, one) === providerText(name, other)
}

function providerText(name: string, { config, providerCas }: Snapshot): string {
  const provider = config.providers[name]
  return JSON.stringify([
    config.server.public_url,
    provider,
    // A secret prints as `[secret]`, so that its change would not show.
    provider?.client_secret?.reveal(),
    provider?.private_key?.reveal(),
    providerCas.get(name),
  ])
}

/** Closes the providers and directories of `old` that `next` did not take over. */
export function closeReplaced(old: Runtime, next: Runtime): void {
  closeReplacedDirectories(old.directories, next.directories)
  for (const [name, provider] of old.providers) {
    if (next.providers.get(name) !== provider) provider.close()
  }
}
