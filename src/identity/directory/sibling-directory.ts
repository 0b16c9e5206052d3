/** What the workers of one machine tell each other of their directories: who is to be forgotten. Each asks and counts for itself. */

import type { Siblings } from '../store/session-store.ts'
import type { SharedDirectory } from './directory-shared.ts'

/** Before what else siblings tell each other, which are ids. */
const PREFIX = 'directory:'

export function createSiblingDirectory(siblings: Siblings): SharedDirectory {
  return {
    answersOf: (provider) => ({
      read: async () => undefined,
      write: async () => undefined,
      forget: async (sub) => siblings.tell(PREFIX + JSON.stringify({ provider, sub })),
      listen: (listener) =>
        siblings.listen((news) => {
          if (!news.startsWith(PREFIX)) return
          const heard = JSON.parse(news.slice(PREFIX.length)) as { provider: string; sub?: string }
          if (heard.provider === provider) listener(heard.sub)
        }),
    }),
    count: undefined,
    close: () => undefined,
  }
}
