/** A revision of the repository that a folder lies in: which commit it is, and where its files are to be had. */

import { execFile } from 'node:child_process'
import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { gitEnvironment, openGitObjects } from './git-objects.ts'
import { codeOf, type InputFiles } from './input-files.ts'
import type { Environment } from './references.ts'
import { createRevisionFiles } from './revision-files.ts'

export interface GitRevision {
  /** The repository's topmost folder. */
  readonly top: string
  /** Files below `top` as they are in the revision, at the paths that they have on disk; all others as they are there. */
  readonly files: InputFiles
  close(): void
}

/** Why there is no such revision, in words. */
export interface NoRevision {
  readonly reason: string
}

/**
 * Opens `ref` of the repository that `folder` lies in. `ref` is any name that git has for a commit; what looks like an
 * option is none.
 */
export async function openRevision(
  ref: string,
  folder: string,
  env: Environment,
  disk: InputFiles,
): Promise<GitRevision | NoRevision> {
  if (ref === '' || ref.startsWith('-') || /\p{Cc}/u.test(ref)) {
    return { reason: 'it is no name of a revision' }
  }
  const place = await git(folder, ['rev-parse', '--show-toplevel', '--show-cdup'], env)
  if (typeof place !== 'string') return place
  const [real = '', up = ''] = place.split('\n')
  const top = await topAsGiven(real, resolve(folder, up))
  const found = await git(top, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], env)
  const commit = typeof found === 'string' ? found.trim() : ''
  if (!/^[0-9a-f]{40,64}$/.test(commit)) {
    return {
      reason: 'the repository has no such revision; if it is on another machine, fetch it first',
    }
  }
  const objects = openGitObjects(top, commit, env)
  return { top, files: createRevisionFiles(top, objects, disk), close: objects.close }
}

/** git follows links on the way to the top; paths are given without. */
async function topAsGiven(real: string, given: string): Promise<string> {
  return (await realpath(given).catch(() => '')) === real ? given : real
}

const run = promisify(execFile)

async function git(
  folder: string,
  args: readonly string[],
  env: Environment,
): Promise<string | NoRevision> {
  try {
    const { stdout } = await run('git', ['-C', folder, ...args], { env: gitEnvironment(env) })
    return stdout
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return { reason: 'the program `git` is not there' }
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : ''
    const [line = ''] = said.replace(/^fatal: /, '').split('\n')
    return { reason: line || 'git does not say why' }
  }
}
