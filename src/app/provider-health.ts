/** How the providers and directories of one process are, as plain data. */

import type { ProviderHealth } from '../admin/operator/operator-parts.ts'
import type { Runtime } from './runtime.ts'

export function providerHealth({ providers, directories }: Runtime): readonly ProviderHealth[] {
  return [...providers.values()].map((provider) => {
    const { name, issuer } = provider
    const directory = directories.get(name)
    return {
      ...{ name, issuer },
      ...provider.status(),
      directory:
        directory === undefined
          ? undefined
          : {
              lastCall: directory.lastCall(),
              callsLeft: directory.remaining(),
              oldestInUseMs: directory.oldestInUseMs(),
            },
    }
  })
}
