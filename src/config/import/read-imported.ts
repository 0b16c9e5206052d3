/** Reads a file that somebody names, whatever it may prove to be. */

import { readFile, stat } from 'node:fs/promises'
import { error, type Problem } from '../../support/problem.ts'
import { codeOf, whyUnreadable } from '../input-files.ts'
import { decodeUtf8 } from '../policy-files.ts'
import type { ImportSource } from './import.ts'

/** No config comes near. Looked at before anything is read. */
const MAX_BYTES = 8 * 1024 * 1024

/** The text of `file`, an absolute path; a problem where it is none. */
export async function readImported(file: string): Promise<ImportSource | Problem> {
  const start = { file, line: 1, column: 1 }
  try {
    // Before it is opened: that of a pipe would wait for whoever writes to it.
    const found = await stat(file)
    if (!found.isFile()) return error(start, 'cannot read the file: it is no regular file')
    if (found.size > MAX_BYTES) return error(start, 'the file is larger than 8 MiB; split it')
    return { file, text: decodeUtf8(await readFile(file)) }
  } catch (cause) {
    const reason = codeOf(cause) === '' ? 'unreadable' : whyUnreadable(cause)
    return error(start, `cannot read the file: ${reason}`)
  }
}
