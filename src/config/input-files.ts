/** Every file and folder that a load looks at: read once, remembered with a stamp, so that no later change is missed. */

import { createHash } from 'node:crypto'
import { type BigIntStats, readFileSync, statSync } from 'node:fs'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../support/time.ts'

/** What a path looked like; two different stamps mean that it must be read again. */
export type Stamp = string

/** Paths and what they looked like before they were read. */
export type Stamps = ReadonlyMap<string, Stamp>

/** Reads a whole file. @throws Error with a `code` as node:fs gives it */
export type ReadFile = (path: string) => Promise<Buffer>

export interface FolderEntry {
  readonly path: string
  readonly name: string
  readonly kind: PathKind
}

/** What a path leads to, links followed. */
export type PathKind = 'file' | 'folder' | 'other' | 'missing'

export interface InputFiles {
  /** @throws Error with a `code` as node:fs gives it */
  read(path: string): Promise<Buffer>
  /** The same for what is asked for in the middle of a computation; always from node:fs. */
  readSync(path: string): Buffer
  /** Entries in the order of their names; what links lead to counts, not the links. */
  list(path: string): Promise<readonly FolderEntry[]>
  kindOf(path: string): Promise<PathKind>
  realPath(path: string): Promise<string>
  /** Takes `text` into the revision without a file, such as the value of an environment variable. */
  note(name: string, text: string): void
  stamps(): Stamps
  /** True where a path is no longer what it was when it was first looked at. */
  haveChanged(): Promise<boolean>
  /** 12 hex digits; the same contents under the same names give the same ones. */
  revision(nameOf: (path: string) => string): string
}

/**
 * A change within this time of the stamp could leave times and size as they are. Such a stamp is marked, so that it
 * differs from the next one and the file is read once more.
 */
const YOUNG_MS = 100
const YOUNG = ':young'

/** Paths are looked at so many at a time, so that thousands do not keep the file system's threads from others. */
export const AT_A_TIME = 64

/** What `path` looks like now: links followed, so that a swapped link changes it. Never rejects. */
export async function stampOf(path: string, fileClock: Clock = Date.now): Promise<Stamp> {
  try {
    return stampIn(await stat(path, { bigint: true }), fileClock)
  } catch (cause) {
    return `missing:${codeOf(cause)}`
  }
}

function stampSync(path: string, fileClock: Clock): Stamp {
  try {
    return stampIn(statSync(path, { bigint: true }), fileClock)
  } catch (cause) {
    return `missing:${codeOf(cause)}`
  }
}

function stampIn(found: BigIntStats, fileClock: Clock): Stamp {
  const stamp = `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`
  const changedAt = Math.max(Number(found.mtimeMs), Number(found.ctimeMs))
  return Math.abs(fileClock() - changedAt) < YOUNG_MS ? stamp + YOUNG : stamp
}

/**
 * @param readContent in place of node:fs
 * @param fileClock the machine's own, by which files get their times, whatever time the gateway is told that it is
 */
export function createInputFiles(
  readContent: ReadFile = readFile,
  fileClock: Clock = Date.now,
): InputFiles {
  const stamps = new Map<string, Stamp>()
  const digests = new Map<string, string>()
  const notes = new Map<string, string>()
  const stamp = async (path: string) => {
    // The stamp comes before the content: a change in between is then seen as one.
    if (!stamps.has(path)) stamps.set(path, await stampOf(path, fileClock))
  }
  /** Where the machine and not the file is at fault, as when it has too many open files, the path is looked at again. */
  const unread =
    (path: string) =>
    (cause: unknown): never => {
      if (REASONS[codeOf(cause)] === undefined) stamps.set(path, 'unread')
      throw cause
    }
  return {
    async read(path) {
      await stamp(path)
      const content = await readContent(path).catch(unread(path))
      digests.set(path, digestOf(content))
      return content
    },
    readSync(path) {
      if (!stamps.has(path)) stamps.set(path, stampSync(path, fileClock))
      const content = readFileSync(path)
      digests.set(path, digestOf(content))
      return content
    },
    async list(path) {
      await stamp(path)
      const names = (await readdir(path).catch(unread(path))).sort()
      return Promise.all(
        names.map(async (name) => {
          const entry = join(path, name)
          return { path: entry, name, kind: await kindOf(entry) } as const
        }),
      )
    },
    async kindOf(path) {
      await stamp(path)
      return kindOf(path)
    },
    realPath: (path) => realpath(path),
    note: (name, text) => {
      notes.set(name, digestOf(text))
    },
    stamps: () => stamps,
    async haveChanged() {
      const paths = [...stamps]
      for (let i = 0; i < paths.length; i += AT_A_TIME) {
        const some = paths.slice(i, i + AT_A_TIME).map(async ([path, before]) => {
          const after = await stampOf(path, fileClock)
          return after.replace(YOUNG, '') !== before.replace(YOUNG, '')
        })
        if ((await Promise.all(some)).includes(true)) return true
      }
      return false
    },
    revision(nameOf) {
      const lines = [
        ...[...digests].map(([path, digest]) => `file ${nameOf(path)} ${digest}`),
        ...[...notes].map(([name, digest]) => `note ${name} ${digest}`),
      ]
      return digestOf(lines.sort().join('\n')).slice(0, 12)
    },
  }
}

async function kindOf(path: string): Promise<PathKind> {
  try {
    const found = await stat(path)
    if (found.isFile()) return 'file'
    return found.isDirectory() ? 'folder' : 'other'
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return 'missing'
    throw cause
  }
}

function digestOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Node's `ENOENT` and the like, or an empty text. */
export function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
  ELOOP: 'its links go round in a circle',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8',
}

/** Why a path could not be read, in words. */
export function whyUnreadable(cause: unknown): string {
  return REASONS[codeOf(cause)] ?? (codeOf(cause) || 'unreadable')
}
