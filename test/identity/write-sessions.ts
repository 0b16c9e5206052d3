/** Run by a test: writes sessions to the file named as argument, tells of each that is written, and never ends. */

import { createSqliteStore } from '../../src/identity/store/sqlite-store.ts'
import { START, storedSession } from './store-contract.ts'

const store = createSqliteStore(process.argv[2] ?? '', { now: () => START })
for (let i = 0; ; i++) {
  await store.create(storedSession(`s${i}`))
  process.send?.(`s${i}`)
  await new Promise(setImmediate)
}
