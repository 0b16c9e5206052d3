/**
 * Whether the file that sessions lie in is still where it was. SQLite goes on with one that was deleted or replaced, as if
 * nothing had happened; but no other process finds what is written there, nor does this one after a restart.
 */

import { statSync } from 'node:fs'
import type { Log } from '../../support/log.ts'

/**
 * Notes which file is at `path` now. What is returned throws while another or none is there, and says so in the log; it
 * does not mind once the same one is back.
 */
export function createFileCheck(path: string, log: Log | undefined): () => void {
  const opened = fileAt(path)
  let isGone = false
  return () => {
    const there = fileAt(path)
    if (there === opened) {
      if (isGone) log?.info({ file: path }, 'the file of sessions is back')
      isGone = false
      return
    }
    const what = there === undefined ? 'was deleted or moved away' : 'was replaced by another file'
    if (!isGone) log?.error({ file: path }, `the file of sessions ${what}; ${ADVICE}`)
    isGone = true
    throw new Error(`the file ${what}; ${ADVICE}`)
  }
}

const ADVICE = 'put it back, or restart the gateway, which takes what is there then'

/** What tells one file from all others; `undefined` where there is none. */
function fileAt(path: string): string | undefined {
  // Exact: such numbers may be larger than others can tell apart.
  const found = statSync(path, { throwIfNoEntry: false, bigint: true })
  return found && `${found.dev} ${found.ino}`
}
