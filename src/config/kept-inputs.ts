/**
 * What one load has read, kept so that another process can load the very same, whatever the files have become since:
 * with several workers one process reads, and all load what it read.
 */

import type { Offers } from '../policy/offer.ts'
import { codeOf, type FolderEntry, type InputFiles, type PathKind } from './input-files.ts'

/** Plain data, fit to be sent to another process. Why something could not be read is the code that node:fs gave. */
export interface KeptInputs {
  readonly revision: string
  readonly contents: ReadonlyMap<string, Kept<Uint8Array>>
  readonly folders: ReadonlyMap<string, Kept<readonly FolderEntry[]>>
  readonly kinds: ReadonlyMap<string, Kept<PathKind>>
  readonly realPaths: ReadonlyMap<string, Kept<string>>
  readonly offers: Offers
}

type Kept<T> = { readonly value: T } | { readonly failed: string }

export interface KeepingInputs extends InputFiles {
  /** What has been read by now, and what was offered besides. */
  kept(revision: string, offers: Offers): KeptInputs
}

/** `files`, with all that it gives kept. */
export function keepInputs(files: InputFiles): KeepingInputs {
  const contents = new Map<string, Kept<Uint8Array>>()
  const folders = new Map<string, Kept<readonly FolderEntry[]>>()
  const kinds = new Map<string, Kept<PathKind>>()
  const realPaths = new Map<string, Kept<string>>()
  return {
    ...files,
    read: (path) => keep(contents, path, () => files.read(path)),
    readSync: (path) => {
      try {
        const value = files.readSync(path)
        contents.set(path, { value })
        return value
      } catch (cause) {
        contents.set(path, { failed: codeOf(cause) })
        throw cause
      }
    },
    list: (path) => keep(folders, path, () => files.list(path)),
    kindOf: (path) => keep(kinds, path, () => files.kindOf(path)),
    realPath: (path) => keep(realPaths, path, () => files.realPath(path)),
    kept: (revision, offers) => ({ revision, contents, folders, kinds, realPaths, offers }),
  }
}

/** Files as they were when `kept` was made. */
export function keptFiles(kept: KeptInputs): InputFiles {
  const { contents, folders, kinds, realPaths, revision } = kept
  return {
    read: async (path) => Buffer.from(give(contents, path)),
    readSync: (path) => Buffer.from(give(contents, path)),
    list: async (path) => give(folders, path),
    kindOf: async (path) => give(kinds, path),
    realPath: async (path) => give(realPaths, path),
    note: () => undefined,
    // Whoever read them watches them.
    stamps: () => new Map(),
    haveChanged: async () => false,
    revision: () => revision,
  }
}

async function keep<K, T extends K>(
  into: Map<string, Kept<K>>,
  path: string,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    const value = await ask()
    into.set(path, { value })
    return value
  } catch (cause) {
    into.set(path, { failed: codeOf(cause) })
    throw cause
  }
}

function give<T>(from: ReadonlyMap<string, Kept<T>>, path: string): T {
  const kept = from.get(path) ?? { failed: 'ENOENT' }
  if ('value' in kept) return kept.value
  throw Object.assign(new Error(`${kept.failed}: ${path}`), { code: kept.failed })
}
