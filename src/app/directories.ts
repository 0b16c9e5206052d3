/** The directories of a snapshot's providers; one whose settings did not change is taken over with all that it knows. */

import type { Logger } from 'pino'
import type { Snapshot } from '../config/snapshot.ts'
import type { SharedDirectory } from '../identity/directory/directory-shared.ts'
import type { OktaResult } from '../identity/directory/okta-directory.ts'
import { type OpenedDirectory, openDirectory } from '../identity/directory/open-directory.ts'
import { createOutgoingFetch, type ProxySettings } from '../identity/provider/outgoing-fetch.ts'
import type { Sessions } from '../identity/sessions.ts'
import type { Audit } from '../support/audit.ts'
import type { Clock } from '../support/time.ts'
import type { Tracing } from '../support/tracing.ts'

export type Directories = ReadonlyMap<string, OpenedDirectory>

export interface DirectoryParts {
  readonly proxies: ProxySettings
  readonly tracing?: Tracing | undefined
  readonly now: Clock
  readonly log: Logger
  /** What replicas tell each other, where there are any. */
  readonly shared: SharedDirectory | undefined
  /** Processes of this gateway that share no count. */
  readonly processes: number
  readonly onResult: (result: OktaResult) => void
  /** The directory says that somebody has no sessions any more. */
  readonly onEnded: (provider: string, sub: string) => void
}

export interface DirectoryOwner {
  readonly snapshot: Snapshot
  readonly directories: Directories
}

export function buildDirectories(
  snapshot: Snapshot,
  parts: DirectoryParts,
  previous: DirectoryOwner | undefined,
): Directories {
  const built = new Map<string, OpenedDirectory>()
  for (const [name, { directory }] of Object.entries(snapshot.config.providers)) {
    if (directory === undefined) continue
    const known = previous?.directories.get(name)
    const isSame =
      previous !== undefined && settingsOf(name, snapshot) === settingsOf(name, previous.snapshot)
    if (known !== undefined && isSame) {
      built.set(name, known)
      continue
    }
    const { shared, proxies, tracing, onEnded, ...rest } = parts
    const outgoing = createOutgoingFetch(proxies, snapshot.providerCas.get(name))
    built.set(
      name,
      openDirectory(name, directory, {
        ...rest,
        fetch: tracing?.fetch(`directory ${name}`, outgoing.fetch) ?? outgoing.fetch,
        closeFetch: outgoing.close,
        shared: shared?.answersOf(name),
        countShared: shared?.count,
        onEnded: (sub) => onEnded(name, sub),
      }),
    )
  }
  return built
}

/** Closes the directories of `old` that `next` did not take over. */
export function closeReplacedDirectories(old: Directories, next: Directories): void {
  for (const [name, directory] of old) if (next.get(name) !== directory) directory.close()
}

function settingsOf(name: string, { config, providerCas }: Snapshot): string {
  const directory = config.providers[name]?.directory
  return JSON.stringify([
    directory,
    // Secrets print as `[secret]`, so that their change would not show.
    directory?.api_token?.reveal(),
    directory?.service_account?.reveal(),
    directory?.service_app?.private_key.reveal(),
    providerCas.get(name),
  ])
}

export interface SuspensionParts {
  readonly sessions: Sessions
  readonly log: Logger
  readonly audit: Audit
}

/** Nobody who is suspended or gone keeps a session, here or elsewhere. */
export function endSuspended(
  { sessions, log, audit }: SuspensionParts,
  provider: string,
  sub: string,
): void {
  const about = {
    event: 'session_ended',
    by: 'directory',
    reason: 'suspended',
    named_by: 'sub',
    provider,
    subject: sub,
  } as const
  sessions.endOf(provider, 'sub', sub).then(
    (ended) => audit({ ...about, outcome: 'success', sessions: ended }),
    (err: unknown) => {
      audit({ ...about, outcome: 'failed' })
      log.error({ err, provider, sub }, 'sessions of a suspended person could not be ended')
    },
  )
}
