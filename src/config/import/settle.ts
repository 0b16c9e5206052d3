/**
 * Asks the real check what it makes of a draft, and takes back what it refuses, until it is content: an import never
 * knows better than the code that will run.
 */

import { join } from 'node:path'
import { hasErrors, type Problem } from '../../support/problem.ts'
import type { Clock } from '../../support/time.ts'
import { readYaml } from '../../support/yaml-document.ts'
import { writeYaml } from '../../support/yaml-writer.ts'
import { checkConfig } from '../check-config.ts'
import { compileRoots } from '../compile-roots.ts'
import { rootsIn } from '../policy-roots.ts'
import { readConfig } from '../read-config.ts'
import type { DraftMap, DraftNode, Fallback, Origin } from './draft.ts'
import type { Notes } from './notes.ts'
import { overlayFiles } from './overlay-files.ts'
import { type FindPart, type PlacedPart, placeParts } from './placed-parts.ts'

/** A file as it is to be written. */
export interface DraftFile {
  /** From the folder of the config, with `/`. */
  readonly path: string
  readonly head: readonly string[]
  readonly root: DraftMap
}

export interface SettledFile {
  readonly path: string
  readonly text: string
}

export interface Settled {
  readonly files: readonly SettledFile[]
  /** Warnings of the check, and errors that nothing could be done about. */
  readonly problems: readonly Problem[]
}

export interface SettleOptions {
  /** Absolute: where the files will lie, and relative paths in them start. */
  readonly folder: string
  readonly now: Clock
  /** What is in the draft and cannot be traced back to a key of the imported file. */
  readonly origin: Origin
}

export const CONFIG_FILE = 'gatehouse.yaml'

/** A part has two fallbacks at the most and lies a few levels deep; more rounds than that would go nowhere. */
const MOST_ROUNDS = 20
/** In place of every secret while the check is asked: 32 bytes, hex. */
const STAND_IN = '5a'.repeat(32)

/** Changes `drafts` until the check has no errors, as far as their fallbacks go. */
export async function settle(
  drafts: readonly DraftFile[],
  notes: Notes,
  options: SettleOptions,
): Promise<Settled> {
  for (let round = 1; ; round++) {
    const files = drafts.map(({ path, head, root }) => ({ path, text: writeYaml(root, head) }))
    const problems = await check(files, notes, options)
    if (!hasErrors(problems)) return { files: withLooseNotes(drafts, files, notes), problems }
    const refused = problems.filter(({ severity }) => severity === 'error')
    const changed = takeBack(refused, drafts, files, notes, options)
    if (!changed || round === MOST_ROUNDS) return { files, problems }
  }
}

/** What has no place of its own, or has lost it, is said on top of the config. */
function withLooseNotes(
  drafts: readonly DraftFile[],
  files: readonly SettledFile[],
  notes: Notes,
): readonly SettledFile[] {
  const placed = new Set(drafts.flatMap(({ head, root }) => [...head, ...commentsIn(root)]))
  const loose = new Set(notes.all.map(({ comment }) => comment).filter((text) => !placed.has(text)))
  return files.map((file, index) => {
    const draft = drafts[index]
    if (index > 0 || draft === undefined || loose.size === 0) return file
    return { path: file.path, text: writeYaml(draft.root, [...draft.head, ...loose]) }
  })
}

function commentsIn(node: DraftNode): readonly string[] {
  if (node.kind === 'scalar') return []
  const parts = node.kind === 'list' ? node.items : node.entries
  return parts.flatMap(({ comments, value }) => [...comments, ...commentsIn(value)])
}

async function check(
  written: readonly SettledFile[],
  notes: Notes,
  { folder, now }: SettleOptions,
): Promise<readonly Problem[]> {
  const texts = new Map(written.map(({ path, text }) => [join(folder, path), text]))
  const files = overlayFiles(texts)
  const env = Object.fromEntries([...notes.environment].map((name) => [name, STAND_IN]))
  const configFile = join(folder, CONFIG_FILE)
  const read = await readConfig(configFile, env, files)
  const { document, config } = read
  const context = { document, folder, files, now, madeSecrets: undefined }
  const verdict = config === undefined ? undefined : await checkConfig(config, context)
  const policies = await compileRoots(rootsIn(read, configFile), files)
  const problems = [...read.problems, ...(verdict?.problems ?? []), ...policies.problems]
  return problems.map((problem) => ({
    ...problem,
    // Places within a message are those of files that are still to be written.
    message: problem.message.replaceAll(`${folder}/`, ''),
  }))
}

/** Uses one fallback for each refusal; false where there was none for any. */
function takeBack(
  refused: readonly Problem[],
  drafts: readonly DraftFile[],
  written: readonly SettledFile[],
  notes: Notes,
  { folder, origin }: SettleOptions,
): boolean {
  const indexes = new Map(written.map(({ path }, index) => [join(folder, path), index]))
  const finders = new Map<string, FindPart>()
  const finderFor = (file: string): FindPart | undefined => {
    const known = finders.get(file)
    if (known !== undefined) return known
    const index = indexes.get(file) ?? -1
    const draft = drafts[index]
    const tree = readYaml(file, written[index]?.text ?? '').tree
    if (draft === undefined || tree === undefined) return undefined
    const find = placeParts(tree, draft.root)
    finders.set(file, find)
    return find
  }
  const touched = new Set<unknown>()
  let changed = false
  for (const problem of refused) {
    const found = finderFor(problem.file)?.(problem)
    if (found === undefined) continue
    // What has just changed around it may have taken it along: the next round tells.
    if (chain(found).some(({ part }) => touched.has(part))) continue
    const bearer = chain(found).find(({ part }) => part.fallbacks.length > 0)
    const fallback = bearer?.part.fallbacks.shift()
    if (bearer === undefined || fallback === undefined) continue
    apply(fallback, bearer, problem.message, notes, origin)
    touched.add(bearer.part)
    changed = true
  }
  return changed
}

/** The part and all around it, innermost first. */
function chain(placed: PlacedPart): readonly PlacedPart[] {
  const all: PlacedPart[] = []
  for (let one: PlacedPart | undefined = placed; one !== undefined; one = one.around) all.push(one)
  return all
}

function apply(
  fallback: Fallback,
  placed: PlacedPart,
  message: string,
  notes: Notes,
  unknown: Origin,
): void {
  const { part } = placed
  const known = chain(placed).find((one) => one.part.origin !== undefined)
  const { at, subject } = known?.part.origin ?? unknown
  if (fallback.kind === 'instead') {
    part.value = fallback.value
    part.comments.push(notes.add('left-out', at, subject, `${message}; so ${fallback.why}`))
    return
  }
  part.off = true
  const { wider } = fallback
  const kept = `${message}; kept as a comment${wider === undefined ? '' : `, so ${wider}`}`
  part.comments.push(notes.add(wider === undefined ? 'left-out' : 'decide', at, subject, kept))
}
