/** `gatehouse diff`: who gains and who loses access between two versions of the policies. */

import { resolve } from 'node:path'
import { Option } from 'commander'
import { type BaseVersion, findRoots, openBase, type RootRequest } from '../config/base-version.ts'
import { createInputFiles, whyUnreadable } from '../config/input-files.ts'
import { type ByteSource, openLines, readLines } from '../config/log-lines.ts'
import { loadVersion } from '../config/policy-version.ts'
import { comparePolicies } from '../policy/review/diff.ts'
import { compareLog } from '../policy/review/diff-log.ts'
import { isDifferent, type PolicyDiff, type Version } from '../policy/review/diff-model.ts'
import { createVersions, type Versions } from '../policy/review/diff-verdict.ts'
import { error, hasErrors, type Position, type Problem } from '../support/problem.ts'
import { DEFAULT_CONFIG } from './check.ts'
import { createProgress } from './diff-progress.ts'
import type { AddCommand, Io } from './io.ts'
import { diffTree } from './output-diff.ts'
import type { DiffNames } from './output-diff-groups.ts'
import { diffJson } from './output-diff-json.ts'
import { diffMarkdown } from './output-diff-markdown.ts'
import { placeText, printable } from './output-trace.ts'
import { printErrors, shownPath } from './print-problems.ts'

const FORMATS = { tree: diffTree, json: diffJson, markdown: diffMarkdown } as const

interface DiffOptions {
  readonly base: string
  readonly config?: string
  readonly requests?: string
  readonly format: keyof typeof FORMATS
  readonly exitCode?: boolean
}

export const addDiff: AddCommand = (program, io, done) => {
  program
    .command('diff')
    .summary('show who gains and who loses access')
    .description(
      'Compares the policies with an earlier version of them: over their routes, over everybody at every request of ' +
        'the tests of both, and over a decision log. The checkout is not touched.',
    )
    .requiredOption(
      '--base <ref-or-folder>',
      'what to compare with: a git revision such as origin/main, or a folder such as ./old',
    )
    .option('--config <file>', `config file (default: ./${DEFAULT_CONFIG}, where there is one)`)
    .option('--requests <file>', 'decision log to judge by both versions; - is standard input')
    .addOption(
      new Option('--format <format>', 'how to show the result')
        .choices(Object.keys(FORMATS))
        .default('tree'),
    )
    .option('--exit-code', 'end with 1 when there is a difference')
    .argument('[path]', "folder of policies, in place of the config's `policies`")
    .addHelpText(
      'after',
      '\nExit code 0; 1 with --exit-code when there is a difference; 2 on any error in either version.',
    )
    .action(async (path: string | undefined, options: DiffOptions) => {
      done(await diff(path, options, io))
    })
}

async function diff(path: string | undefined, options: DiffOptions, io: Io): Promise<number> {
  const disk = createInputFiles()
  const request: RootRequest = {
    cwd: io.cwd,
    env: io.env,
    configFile: resolve(io.cwd, options.config ?? DEFAULT_CONFIG),
    path: path === undefined ? undefined : resolve(io.cwd, path),
  }
  const { set, problems } = await findRoots(request, disk, options.config !== undefined)
  if (hasErrors(problems)) return printErrors(problems, io)
  const base = await openBase(options.base, request, set, disk)
  if ('problems' in base) return printErrors(base.problems, io)
  if ('reason' in base) {
    io.stderr(`gatehouse diff: ${printable(base.reason)}\n`)
    return 2
  }
  try {
    const before = await loadVersion(base.set, base.files)
    const after = await loadVersion(set, disk)
    const all = [...named(before.problems, base), ...after.problems]
    if (hasErrors(all)) return printErrors(all, io)
    noteAbsent(base, options, io)
    return await compare({ before: before.version, after: after.version, base, options, io })
  } finally {
    base.close()
  }
}

function named(problems: readonly Problem[], base: BaseVersion): readonly Problem[] {
  return problems.map((problem) => ({ ...problem, file: base.nameOf(problem.file) }))
}

/** A folder that the revision does not have yet is no mistake, but it may be one in the path. */
function noteAbsent({ absent }: BaseVersion, { base }: DiffOptions, io: Io): void {
  for (const path of absent) {
    const where = shownPath(path, io.cwd)
    io.stderr(`gatehouse diff: ${base} has nothing at ${where}, so all routes there are new\n`)
  }
}

interface Comparing {
  readonly before: Version
  readonly after: Version
  readonly base: BaseVersion
  readonly options: DiffOptions
  readonly io: Io
}

async function compare({ before, after, base, options, io }: Comparing): Promise<number> {
  const versions = createVersions(before.table, after.table)
  const tested = comparePolicies(before, after, versions, options.base)
  const logged =
    options.requests === undefined
      ? tested
      : await withLog(tested, options.requests, versions, before, io)
  if ('problem' in logged) return printErrors([logged.problem], io)
  const names: DiffNames = {
    base: options.base,
    before: (at: Position) => {
      const name = base.nameOf(at.file)
      return name === at.file ? placeText(at, io.cwd) : `${name}:${at.line}`
    },
    after: (at: Position) => placeText(at, io.cwd),
  }
  io.stdout(FORMATS[options.format](logged, names))
  return options.exitCode === true && isDifferent(logged) ? 1 : 0
}

async function withLog(
  tested: PolicyDiff,
  requests: string,
  versions: Versions,
  before: Version,
  io: Io,
): Promise<PolicyDiff | { readonly problem: Problem }> {
  const file = requests === '-' ? requests : resolve(io.cwd, requests)
  try {
    const source = await openSource(file, io)
    const log = compareLog(versions, before.table)
    const progress = createProgress(io, source.size)
    await readLines(source, log, (bytes) => progress.show(bytes, log.lines()))
    progress.end()
    const { changes, moreChanges, untold, log: counts } = log.result()
    return {
      ...tested,
      changes: [...tested.changes, ...changes],
      moreChanges,
      untold: [...tested.untold, ...untold],
      log: counts,
    }
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause)) throw cause
    const why = `cannot read the log: ${whyUnreadable(cause)}`
    return { problem: error({ file, line: 1, column: 1 }, why) }
  }
}

async function openSource(file: string, io: Io): Promise<ByteSource> {
  return file === '-' ? { chunks: io.stdin, size: undefined } : openLines(file)
}
