/** Folders whose content is swapped whole, as the kubelet does it with a ConfigMap and git-sync with a commit. */

import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeFiles } from './temp-folder.ts'

export interface MountedFiles {
  /** Puts `files` in place of what is there, all at once. */
  swap(files: Readonly<Record<string, string>>): void
}

/**
 * A ConfigMap mounted at `folder`: each file is a link to `..data/NAME`, `..data` a link to the folder of a version. A swap
 * writes a new one, renames a new link over `..data`, and removes the old one.
 */
export function mountConfigMap(
  folder: string,
  files: Readonly<Record<string, string>>,
): MountedFiles {
  let count = 0
  let current: string | undefined
  let names: readonly string[] = []
  const swap = (next: Readonly<Record<string, string>>) => {
    count++
    const version = `..2026_11_28_12_00_00.${String(count).padStart(9, '0')}`
    mkdirSync(join(folder, version), { recursive: true })
    for (const [name, text] of Object.entries(next)) {
      writeFileSync(join(folder, version, name), text)
    }
    replaceLink(version, join(folder, '..data'), join(folder, '..data_tmp'))
    for (const name of Object.keys(next)) {
      if (!names.includes(name)) symlinkSync(join('..data', name), join(folder, name))
    }
    for (const name of names) if (!(name in next)) rmSync(join(folder, name))
    if (current !== undefined) rmSync(join(folder, current), { recursive: true })
    current = version
    names = Object.keys(next)
  }
  swap(files)
  return { swap }
}

/**
 * A repository that git-sync keeps at `link`: a link to `.worktrees/HASH` beside it. A swap writes a new worktree, renames a new
 * link over the old one, and removes the old worktree.
 */
export function mountWorktree(link: string, files: Readonly<Record<string, string>>): MountedFiles {
  const root = dirname(link)
  let count = 0
  let current: string | undefined
  const swap = (next: Readonly<Record<string, string>>) => {
    count++
    const worktree = join('.worktrees', String(count).padStart(40, 'c0ffee'))
    mkdirSync(join(root, worktree), { recursive: true })
    writeFiles(join(root, worktree), { ...next, '.git': 'gitdir: ../../.git/worktrees/x\n' })
    replaceLink(worktree, link, join(root, 'tmp-link'))
    if (current !== undefined) rmSync(join(root, current), { recursive: true })
    current = worktree
  }
  swap(files)
  return { swap }
}

function replaceLink(target: string, link: string, temporary: string): void {
  symlinkSync(target, temporary)
  renameSync(temporary, link)
}
