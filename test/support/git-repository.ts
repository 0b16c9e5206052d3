/** Real git repositories in folders that go with the test, untouched by whoever's settings the machine has. */

import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { tempFolder, writeFiles } from './temp-folder.ts'

export interface Repository {
  readonly folder: string
  /** What a command needs of the environment to run git. */
  readonly env: Readonly<Record<string, string>>
  git(...args: readonly string[]): string
  /** Writes `files`, removes those whose content is null, and commits all; returns the commit. */
  commit(files: Readonly<Record<string, string | null>>): string
}

/** Makes a repository whose first commit holds `files`. */
export function gitRepository(
  t: Test,
  files: Readonly<Record<string, string>>,
  ...init: readonly string[]
): Repository {
  const folder = tempFolder(t)
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
  }
  const settings = ['-c', 'user.name=A', '-c', 'user.email=a@example.com', '-c', 'core.hooksPath=']
  const git = (...args: readonly string[]) =>
    execFileSync('git', [...settings, ...args], { cwd: folder, env, encoding: 'utf8' }).trim()
  const commit: Repository['commit'] = (changed) => {
    for (const [path, content] of Object.entries(changed)) {
      if (content === null) rmSync(join(folder, path), { recursive: true })
      else writeFiles(folder, { [path]: content })
    }
    git('add', '--all')
    git('commit', '--quiet', '--allow-empty', '--message', 'change')
    return git('rev-parse', 'HEAD')
  }
  git('init', '--quiet', '--initial-branch=main', ...init)
  commit(files)
  return { folder, env, git, commit }
}
