/** `gatehouse test`: policy tests, run by the code that serves. */

import { basename, resolve } from 'node:path'
import { InvalidArgumentError, Option } from 'commander'
import { createInputFiles, type InputFiles } from '../config/input-files.ts'
import { configuredRoots, type PolicyRoots, rootsOf } from '../config/policy-roots.ts'
import { loadPolicySet, readAllTests, readTests } from '../config/policy-set.ts'
import { runSuites, type SuiteReport } from '../policy/suite/suite.ts'
import { coveragePercent } from '../policy/suite/suite-coverage.ts'
import { readSuite } from '../policy/suite/suite-file.ts'
import { error, hasErrors, type Problem } from '../support/problem.ts'
import { readYaml } from '../support/yaml-document.ts'
import { configFileFor } from './config-option.ts'
import type { AddCommand, Io } from './io.ts'
import { countsOf } from './output-counts.ts'
import { jsonOutput } from './output-json.ts'
import { junitOutput } from './output-junit.ts'
import { treeOutput } from './output-tree.ts'
import { printErrors, printProblems } from './print-problems.ts'

const FORMATS = { tree: treeOutput, json: jsonOutput, junit: junitOutput } as const

interface TestOptions {
  readonly config?: string
  readonly format: keyof typeof FORMATS
  readonly run?: string
  readonly coverageMin?: number
}

export const addTest: AddCommand = (program, io, done) => {
  program
    .command('test')
    .summary('run policy tests')
    .description(
      'Runs *_test.yaml against the policies of the root that they lie in, by the code that serves.',
    )
    .option('--config <file>', 'config file (default: ./gatehouse.yaml, where there is one)')
    .addOption(
      new Option('--format <format>', 'how to show the result')
        .choices(Object.keys(FORMATS))
        .default('tree'),
    )
    .option('--run <glob>', 'only tests whose SUITE/TEST matches; * is any text, ? any character')
    .addOption(
      new Option(
        '--coverage-min <percent>',
        'least share of routes and of rules to be reached',
      ).argParser(readPercent),
    )
    .argument('[paths...]', "test files or folders, in place of all of the config's `policies`")
    .addHelpText(
      'after',
      '\nExit code 0; 1 when a test fails or too little is covered; 2 on any error.',
    )
    .action(async (paths: string[], options: TestOptions) => {
      done(await test(paths, options, io))
    })
}

async function test(paths: readonly string[], options: TestOptions, io: Io): Promise<number> {
  const files = createInputFiles()
  const { set, problems } = await configuredRoots({
    cwd: io.cwd,
    env: io.env,
    configFile: await configFileFor(options.config, io, files),
    files,
  })
  if (hasErrors(problems)) return printErrors(problems, io)
  const tasks = await tasksFor(
    paths.map((path) => resolve(io.cwd, path)),
    set,
    files,
  )
  const reports: SuiteReport[] = []
  for (const task of tasks) {
    const report = await runTask(task, options, files)
    if ('problems' in report) return printErrors(report.problems, io)
    reports.push(report)
  }
  const report = merge(reports)
  if (report.checks.length === 0) {
    const wanted = options.run === undefined ? '' : ` whose SUITE/TEST matches \`${options.run}\``
    io.stderr(`gatehouse test: there is no test${wanted}\n`)
    return 2
  }
  return finish(report, options, io)
}

/** The tests of one set of policies; `undefined` stands for all. */
interface Task {
  readonly set: PolicyRoots
  readonly paths: readonly string[] | undefined
}

/** Paths may lie in several roots, each with its own policies and people. */
async function tasksFor(
  paths: readonly string[],
  configured: PolicyRoots,
  files: InputFiles,
): Promise<readonly Task[]> {
  if (paths.length === 0) return [{ set: configured, paths: undefined }]
  const tasks = new Map<string, { set: PolicyRoots; paths: string[] }>()
  for (const path of paths) {
    const set = await rootsOf(path, configured, files)
    const key = set.roots.map((root) => root.path).join('\n')
    const task = tasks.get(key) ?? { set, paths: [] }
    task.paths.push(path)
    tasks.set(key, task)
  }
  return [...tasks.values()]
}

async function runTask(
  { set, paths }: Task,
  options: TestOptions,
  files: InputFiles,
): Promise<SuiteReport | { readonly problems: readonly Problem[] }> {
  const tests = paths === undefined ? await readAllTests(set, files) : await readTests(paths, files)
  // A path that leads nowhere says nothing of policies, and those beside it may be none.
  if (paths !== undefined && hasErrors(tests.problems)) return { problems: tests.problems }
  const { table, subjects, problems } = await loadPolicySet(set, files)
  const all = [...problems, ...tests.problems]
  if (hasErrors(all)) return { problems: all }
  const suites = tests.sources.map(({ file, text }) =>
    readSuite(readYaml(file, text), subjects, basename(file).replace(/_test\.yaml$/, '')),
  )
  const wanted = options.run === undefined ? undefined : globPattern(options.run)
  return runSuites(suites, {
    table,
    isWanted: (suite, name) => wanted?.test(`${suite}/${name}`) ?? true,
  })
}

function merge(reports: readonly SuiteReport[]): SuiteReport {
  const sum = (what: 'routes' | 'rules') => {
    const parts = reports.map(({ coverage }) => coverage[what])
    return {
      hit: parts.reduce((total, { hit }) => total + hit, 0),
      total: parts.reduce((all, { total }) => all + total, 0),
      missed: parts.flatMap(({ missed }) => missed),
    }
  }
  return {
    checks: reports.flatMap(({ checks }) => checks),
    coverage: { routes: sum('routes'), rules: sum('rules') },
  }
}

function finish(report: SuiteReport, options: TestOptions, io: Io): number {
  io.stdout(FORMATS[options.format](report, io.cwd))
  printProblems(
    report.checks
      .filter(({ status }) => status === 'error')
      .map(({ at, message }) => error(at, message ?? 'it cannot be judged')),
    io,
  )
  const { failed, errors } = countsOf(report.checks)
  if (errors > 0) return 2
  const percent = coveragePercent(report.coverage)
  if (options.coverageMin !== undefined && percent < options.coverageMin) {
    io.stderr(
      `gatehouse test: ${Math.floor(percent)} % of routes or rules are reached, less than ${options.coverageMin} %\n`,
    )
    return 1
  }
  return failed > 0 ? 1 : 0
}

function readPercent(text: string): number {
  const percent = Number(text)
  if (!/^[0-9]+(\.[0-9]+)?$/.test(text) || percent > 100) {
    throw new InvalidArgumentError('It is a number from 0 to 100.')
  }
  return percent
}

function globPattern(glob: string): RegExp {
  const parts = [...glob].map((char) => {
    if (char === '*') return '.*'
    return char === '?' ? '.' : char.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&')
  })
  return new RegExp(`^${parts.join('')}$`, 'su')
}
