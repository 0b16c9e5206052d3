/** How many workers a config asks for. */

import { availableParallelism } from 'node:os'
import type { Snapshot } from '../config/snapshot.ts'

/** 1: one process does it all. */
export function workerCount({ config }: Snapshot): number {
  const { workers } = config.server
  return workers === 'auto' ? availableParallelism() : workers
}
