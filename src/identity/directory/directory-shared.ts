/** What replicas share of their directories: answers, who is to be forgotten, and how many calls were made. The interface. */

import type { SharedAnswers } from './directory-cache.ts'

export interface SharedDirectory {
  /** @param provider its name in the config */
  answersOf(provider: string): SharedAnswers
  /**
   * Counts a call of any replica in `window`, which lasts `seconds`; rejects where it cannot. Undefined where each counts
   * for itself.
   */
  readonly count: ((window: string, seconds: number) => Promise<number>) | undefined
  close(): void
}
