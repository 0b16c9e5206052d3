/** The files of a revision in place of those on disk, at the paths that they have there. */

import { join, posix, relative, resolve, sep } from 'node:path'
import type { GitEntryKind, GitObjects } from './git-objects.ts'
import type { FolderEntry, InputFiles, PathKind } from './input-files.ts'

/** As many links as Linux follows for one path. */
const MAX_LINKS = 40

/** Where a path leads. */
type Place =
  /** In the revision, by a path without links, with `/` between its parts. */
  | { readonly kind: 'file' | 'folder'; readonly way: string }
  /** Not in the repository, but at this absolute path. */
  | { readonly kind: 'disk'; readonly path: string }
  | { readonly kind: 'missing' | 'loop' | 'submodule' }

/**
 * Files below `top` as `objects` has them; all others from `disk`.
 * What a submodule holds is in another repository: it is an error, never an empty folder.
 */
export function createRevisionFiles(
  top: string,
  objects: GitObjects,
  disk: InputFiles,
): InputFiles {
  const find = createFinder(top, objects)
  const kindOf = async (path: string): Promise<PathKind> => {
    const place = await find(path)
    if (place.kind === 'disk') return disk.kindOf(place.path)
    if (place.kind === 'submodule') return 'folder'
    return place.kind === 'loop' ? 'missing' : place.kind
  }
  return {
    ...disk,
    kindOf,
    async read(path) {
      const place = await find(path)
      if (place.kind === 'disk') return disk.read(place.path)
      if (place.kind !== 'file') throw failure(place.kind)
      const found = await objects.look(place.way)
      if (found.kind !== 'blob') throw failure('missing')
      return found.content
    },
    readSync(path) {
      const way = wayBelow(top, path)
      if (way === undefined) return disk.readSync(path)
      const found = objects.lookSync(way)
      if (found.kind !== 'blob') throw failure(found.kind === 'tree' ? 'folder' : 'missing')
      return found.content
    },
    async list(path) {
      const place = await find(path)
      if (place.kind === 'disk') return disk.list(place.path)
      if (place.kind !== 'folder') throw failure(place.kind === 'file' ? 'no-folder' : place.kind)
      const names = [...(await entriesOf(objects, place.way)).keys()].sort()
      return Promise.all(
        names.map(async (name): Promise<FolderEntry> => {
          const entry = join(path, name)
          return { path: entry, name, kind: await kindOf(entry) }
        }),
      )
    },
    async realPath(path) {
      const place = await find(path)
      if (place.kind === 'disk') return disk.realPath(place.path)
      if (place.kind === 'submodule') return path
      if (place.kind === 'file' || place.kind === 'folder') return join(top, place.way)
      throw failure(place.kind)
    },
  }
}

/** The path below `top`, with `/` between its parts; `undefined` where it is not there. */
function wayBelow(top: string, path: string): string | undefined {
  const way = relative(top, path)
  if (way === '..' || way.startsWith(`..${sep}`)) return undefined
  return way.split(sep).join('/')
}

type Entries = ReadonlyMap<string, GitEntryKind>

async function entriesOf(objects: GitObjects, way: string): Promise<Entries> {
  const found = await objects.look(way)
  return found.kind === 'tree' ? found.entries : new Map()
}

/** Follows links as a file system would. */
function createFinder(top: string, objects: GitObjects): (path: string) => Promise<Place> {
  const folders = new Map<string, Promise<Entries>>()
  const folderAt = (way: string): Promise<Entries> => {
    let entries = folders.get(way)
    if (entries === undefined) {
      entries = entriesOf(objects, way)
      folders.set(way, entries)
    }
    return entries
  }
  const follow = async (way: string, links: number): Promise<Place> => {
    if (links > MAX_LINKS) return { kind: 'loop' }
    const parts = way === '' ? [] : way.split('/')
    let folder = ''
    for (const [i, part] of parts.entries()) {
      const kind = (await folderAt(folder)).get(part)
      const here = posix.join(folder, part)
      const rest = parts.slice(i + 1)
      if (kind === 'link') return followLink(folder, here, rest, links)
      if (kind === 'file' && rest.length === 0) return { kind, way: here }
      if (kind !== 'folder') return { kind: kind === 'submodule' ? kind : 'missing' }
      folder = here
    }
    return { kind: 'folder', way: folder }
  }
  const followLink = async (
    folder: string,
    link: string,
    rest: readonly string[],
    links: number,
  ): Promise<Place> => {
    const found = await objects.look(link)
    if (found.kind !== 'blob') return { kind: 'missing' }
    const path = resolve(top, folder, found.content.toString(), ...rest)
    const way = wayBelow(top, path)
    return way === undefined ? { kind: 'disk', path } : follow(way, links + 1)
  }
  return async (path) => {
    const way = wayBelow(top, path)
    return way === undefined ? { kind: 'disk', path } : follow(way, 0)
  }
}

/** As node:fs says it, so that the reason is worded alike. */
const CODES = {
  missing: 'ENOENT',
  folder: 'EISDIR',
  'no-folder': 'ENOTDIR',
  loop: 'ELOOP',
  submodule: 'it is a submodule, whose files are in another repository',
} as const

function failure(why: keyof typeof CODES): Error {
  const code = CODES[why]
  return Object.assign(new Error(code), { code })
}
