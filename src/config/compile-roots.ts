/** From paths to compiled policies: finds and reads the files, and what they name besides. */

import { type CompiledSet, compilePolicies } from '../policy/compile.ts'
import type { RouteOffer } from '../policy/offer.ts'
import { compileGently } from './compile-gently.ts'
import { type InputFiles, whyUnreadable } from './input-files.ts'
import { decodeUtf8, readPolicyFiles } from './policy-files.ts'
import type { PolicyRoots } from './policy-roots.ts'

export interface CompileHow {
  /** Requests must not wait for it. */
  readonly isServing: boolean
  readonly offers: readonly RouteOffer[]
  readonly ownHosts: readonly string[]
}

const ALONE: CompileHow = { isServing: false, offers: [], ownHosts: [] }

/** Compiles the policies below `set.roots`. What could not be read is among the problems. */
export async function compileRoots(
  set: PolicyRoots,
  files: InputFiles,
  { isServing, offers, ownHosts }: CompileHow = ALONE,
): Promise<CompiledSet> {
  const { sources, problems } = await readPolicyFiles(set.roots, files)
  const readText = (path: string) => {
    try {
      return decodeUtf8(files.readSync(path))
    } catch (cause) {
      throw new Error(whyUnreadable(cause), { cause })
    }
  }
  const { allowHttp, providers, policiesAreOffered } = set
  const options = { allowHttp, providers, policiesAreOffered, readText, offers, ownHosts }
  const compiled = isServing
    ? await compileGently(sources, options)
    : compilePolicies(sources, options)
  return { ...compiled, problems: [...problems, ...compiled.problems] }
}
