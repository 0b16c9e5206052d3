/** Which config a command that needs only the policies looks at: the one named, or the one that is there. */

import { resolve } from 'node:path'
import type { InputFiles } from '../config/input-files.ts'
import { DEFAULT_CONFIG } from './check.ts'
import type { Io } from './io.ts'

/** The absolute path of the config; `undefined` where none is named and none is at the usual place. */
export async function configFileFor(
  option: string | undefined,
  { cwd }: Pick<Io, 'cwd'>,
  files: InputFiles,
): Promise<string | undefined> {
  const file = resolve(cwd, option ?? DEFAULT_CONFIG)
  return option !== undefined || (await files.kindOf(file)) === 'file' ? file : undefined
}
