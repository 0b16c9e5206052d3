/** Files that are not written yet over those of the disk, so that the real check can read both. */

import { dirname } from 'node:path'
import { createInputFiles, type InputFiles } from '../input-files.ts'

/** `texts` by absolute path. A folder in which one of them lies shows these alone. */
export function overlayFiles(texts: ReadonlyMap<string, string>): InputFiles {
  const disk = createInputFiles()
  const folders = Map.groupBy(texts.keys(), (path) => dirname(path))
  return {
    ...disk,
    read: async (path) => {
      const text = texts.get(path)
      return text === undefined ? disk.read(path) : Buffer.from(text)
    },
    readSync: (path) => {
      const text = texts.get(path)
      return text === undefined ? disk.readSync(path) : Buffer.from(text)
    },
    list: async (path) => {
      const inside = folders.get(path)
      if (inside === undefined) return disk.list(path)
      return inside
        .toSorted()
        .map((file) => ({ path: file, name: file.slice(path.length + 1), kind: 'file' as const }))
    },
    kindOf: async (path) => {
      if (texts.has(path)) return 'file'
      return folders.has(path) ? 'folder' : disk.kindOf(path)
    },
    realPath: async (path) => (texts.has(path) || folders.has(path) ? path : disk.realPath(path)),
  }
}
