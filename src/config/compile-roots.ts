/** From paths to compiled policies: finds and reads the files, and what they name besides. */

import { type CompiledSet, compilePolicies } from '../policy/compile.ts'
import { compileGently } from './compile-gently.ts'
import { type InputFiles, whyUnreadable } from './input-files.ts'
import { decodeUtf8, readPolicyFiles } from './policy-files.ts'
import type { PolicyRoots } from './policy-roots.ts'

/**
 * Compiles the policies below `set.roots`. What could not be read is among the problems.
 * @param isServing requests must not wait for it
 */
export async function compileRoots(
  set: PolicyRoots,
  files: InputFiles,
  isServing = false,
): Promise<CompiledSet> {
  const { sources, problems } = await readPolicyFiles(set.roots, files)
  const readText = (path: string) => {
    try {
      return decodeUtf8(files.readSync(path))
    } catch (cause) {
      throw new Error(whyUnreadable(cause), { cause })
    }
  }
  const { allowHttp, providers } = set
  const options = { allowHttp, providers, readText }
  const compiled = isServing
    ? await compileGently(sources, options)
    : compilePolicies(sources, options)
  return { ...compiled, problems: [...problems, ...compiled.problems] }
}
