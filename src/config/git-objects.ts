/** Asks git for what paths of one commit hold: a program beside us, so nothing of the checkout is touched. */

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import type { Environment } from './references.ts'

/** What stands at a path of the commit itself; links are not followed, and their content is where they lead. */
export type GitObject =
  | { readonly kind: 'blob'; readonly content: Buffer }
  | { readonly kind: 'tree'; readonly entries: ReadonlyMap<string, GitEntryKind> }
  | { readonly kind: 'missing' }

export type GitEntryKind = 'file' | 'folder' | 'link' | 'submodule'

export interface GitObjects {
  /** @param path relative to the repository's top, with `/` between its parts; empty for the top itself */
  look(path: string): Promise<GitObject>
  /** The same for what is asked for in the middle of a computation. */
  lookSync(path: string): GitObject
  close(): void
}

/** @param commit its full hash @param top the repository's topmost folder */
export function openGitObjects(top: string, commit: string, env: Environment): GitObjects {
  const args = ['-C', top, 'cat-file', '--batch']
  const options = { env: gitEnvironment(env) }
  let reader: ReturnType<typeof startReader> | undefined
  // A line is a question; a name with a line's end in it cannot be asked for.
  const isAskable = (path: string): boolean => !path.includes('\n')
  return {
    async look(path) {
      if (!isAskable(path)) return { kind: 'missing' }
      reader ??= startReader(spawn('git', args, options))
      return objectOf(await reader.ask(`${commit}:${path}`))
    },
    lookSync(path) {
      if (!isAskable(path)) return { kind: 'missing' }
      const input = `${commit}:${path}\n`
      const { stdout, error } = spawnSync('git', args, { ...options, input, maxBuffer: 2 ** 28 })
      if (error !== undefined) throw error
      return objectOf(takeAnswer(stdout)?.answer ?? { head: '', content: undefined })
    },
    close() {
      reader?.close()
    },
  }
}

/** Which repository and index git works on is for us to say, also where a hook of git's own has started us. */
export function gitEnvironment(env: Environment): Record<string, string | undefined> {
  const {
    GIT_DIR: _dir,
    GIT_WORK_TREE: _workTree,
    GIT_INDEX_FILE: _index,
    GIT_PREFIX: _prefix,
    ...rest
  } = env
  return { ...rest, GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0' }
}

interface Answer {
  readonly head: string
  readonly content: Buffer | undefined
}

/** Questions are answered in their order. */
function startReader(git: ChildProcessWithoutNullStreams) {
  const waiting: PromiseWithResolvers<Answer>[] = []
  let received = Buffer.alloc(0)
  let chunks: Buffer[] = []
  let missing = 0
  let failure: Error | undefined
  let stderr = ''
  const fail = (cause: Error): void => {
    failure ??= cause
    for (const { reject } of waiting.splice(0)) reject(failure)
  }
  const take = (): void => {
    received = Buffer.concat([received, ...chunks])
    chunks = []
    let taken = takeAnswer(received)
    while (taken !== undefined) {
      received = received.subarray(taken.length)
      waiting.shift()?.resolve(taken.answer)
      taken = takeAnswer(received)
    }
    missing = missingBytes(received)
  }
  git.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    missing -= chunk.length
    // A large file comes in many pieces, which are put together once.
    if (missing <= 0) take()
  })
  git.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-2_000)
  })
  git.on('error', fail)
  // A pipe that breaks is told of by the end of the process, which says why.
  git.stdin.on('error', () => undefined)
  git.on('close', () => fail(new Error(`git ended: ${stderr.trim() || 'without a word'}`)))
  return {
    ask(question: string): Promise<Answer> {
      if (failure !== undefined) return Promise.reject(failure)
      const answer = Promise.withResolvers<Answer>()
      waiting.push(answer)
      git.stdin.write(`${question}\n`)
      return answer.promise
    },
    close() {
      git.stdin.end()
    },
  }
}

const WITH_CONTENT = /^[0-9a-f]+ [a-z]+ (\d+)$/

function sizeIn(head: string): number | undefined {
  const size = WITH_CONTENT.exec(head)?.[1]
  return size === undefined ? undefined : Number(size)
}

/** The first answer in `bytes`, and how long it is; `undefined` where it is not whole yet. */
function takeAnswer(
  bytes: Buffer,
): { readonly answer: Answer; readonly length: number } | undefined {
  const end = bytes.indexOf(0x0a)
  if (end === -1) return undefined
  const head = bytes.toString('utf8', 0, end)
  const size = sizeIn(head)
  if (size === undefined) return { answer: { head, content: undefined }, length: end + 1 }
  const start = end + 1
  const length = start + size + 1
  if (bytes.length < length) return undefined
  return { answer: { head, content: bytes.subarray(start, length - 1) }, length }
}

function missingBytes(bytes: Buffer): number {
  const end = bytes.indexOf(0x0a)
  const size = end === -1 ? undefined : sizeIn(bytes.toString('utf8', 0, end))
  return size === undefined ? 1 : end + 2 + size - bytes.length
}

function objectOf({ head, content }: Answer): GitObject {
  const [hash = '', type = ''] = head.split(' ')
  if (content !== undefined && type === 'blob') return { kind: 'blob', content }
  if (content !== undefined && type === 'tree') {
    return { kind: 'tree', entries: readTree(content, hash.length / 2) }
  }
  return { kind: 'missing' }
}

const KINDS: Readonly<Record<string, GitEntryKind>> = {
  '40000': 'folder',
  '120000': 'link',
  '160000': 'submodule',
}

/** A tree is a row of `MODE NAME`, a zero byte, and the hash of what has that name. */
function readTree(tree: Buffer, hashLength: number): ReadonlyMap<string, GitEntryKind> {
  const entries = new Map<string, GitEntryKind>()
  for (let at = 0; at < tree.length; ) {
    const space = tree.indexOf(0x20, at)
    const zero = tree.indexOf(0, space)
    const mode = tree.toString('latin1', at, space)
    entries.set(tree.toString('utf8', space + 1, zero), KINDS[mode] ?? 'file')
    at = zero + 1 + hashLength
  }
  return entries
}
