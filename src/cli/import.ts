/** `gatehouse import`: a config and policies made from those of another proxy, and a summary of what is not the same. */

import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Argument } from 'commander'
import { type Imported, type ImportKind, importFiles } from '../config/import/import.ts'
import { readImported } from '../config/import/read-imported.ts'
import { CONFIG_FILE } from '../config/import/settle.ts'
import { hasErrors } from '../support/problem.ts'
import type { AddCommand, Io } from './io.ts'
import { importSummary } from './output-import.ts'
import { printErrors, shownPath } from './print-problems.ts'

interface Options {
  readonly out?: string
  readonly force?: boolean
  readonly alphaConfig?: string
}

const HELP = `
Without --out everything is printed to stdout as one YAML stream, the summary to stderr.
Secrets are never copied: the config refers to environment variables, which the summary names.

Exit code 0; 2 where FILE cannot be read, or the output would overwrite something.`

export const addImport: AddCommand = (program, io, done) => {
  program
    .command('import')
    .summary("translate another proxy's config")
    .description(
      'Makes a Gatehouse config and policies from those of Pomerium (config.yaml) or oauth2-proxy (.cfg, or the alpha YAML), ' +
        'with a comment at each thing that differs, and a summary of them all. Nothing is left out silently.',
    )
    .addArgument(new Argument('<kind>', 'whose file it is').choices(['pomerium', 'oauth2-proxy']))
    .argument('<file>', 'the file')
    .option('--alpha-config <file>', "oauth2-proxy's alpha YAML, where FILE is the .cfg beside it")
    .option('--out <dir>', 'write gatehouse.yaml and policies/*.yaml to this folder')
    .option('--force', 'with --out: overwrite what is there')
    .addHelpText('after', HELP)
    .action(async (kind: ImportKind, file: string, options: Options) => {
      done(await runImport(kind, file, options, io))
    })
}

async function runImport(
  kind: ImportKind,
  file: string,
  options: Options,
  io: Io,
): Promise<number> {
  const { alphaConfig } = options
  if (alphaConfig !== undefined && kind !== 'oauth2-proxy') {
    io.stderr('gatehouse: --alpha-config is for oauth2-proxy\n')
    return 2
  }
  const paths = alphaConfig === undefined ? [file] : [file, alphaConfig]
  const read = await Promise.all(paths.map((path) => readImported(resolve(io.cwd, path))))
  const unreadable = read.flatMap((one) => ('severity' in one ? [one] : []))
  if (unreadable.length > 0) return printErrors(unreadable, io)
  const sources = read.flatMap((one) => ('severity' in one ? [] : [one]))
  const folder = resolve(io.cwd, options.out ?? '.')
  const imported = await importFiles(kind, sources, { folder, now: io.now })
  if (hasErrors(imported.problems)) return printErrors(imported.problems, io)
  return options.out === undefined
    ? print(imported, io)
    : write(imported, folder, options.force === true, io)
}

/** One YAML stream: a document for each file, named on its first line. */
function print(imported: Imported, io: Io): number {
  const documents = imported.files.map(({ path, text }) => `# ${path}\n${text}`)
  io.stdout(documents.join('---\n'))
  io.stderr(`\n${importSummary(imported, io.cwd)}`)
  return 0
}

async function write(imported: Imported, folder: string, force: boolean, io: Io): Promise<number> {
  const taken = force ? [] : await existing(folder)
  const [first] = taken
  if (first !== undefined) {
    const others = taken.length > 1 ? ` and ${taken.length - 1} more` : ''
    io.stderr(
      `gatehouse: ${shownPath(first, io.cwd)}${others} is there already; choose another --out, or add --force to overwrite\n`,
    )
    return 2
  }
  try {
    for (const { path, text } of imported.files) {
      const target = join(folder, path)
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, text)
      io.stdout(`wrote ${shownPath(target, io.cwd)}\n`)
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unwritable'
    io.stderr(`gatehouse: cannot write to ${shownPath(folder, io.cwd)}: ${why}\n`)
    return 2
  }
  io.stdout(importSummary(imported, io.cwd))
  return 0
}

/** What lies where the result goes. Other policies there would become part of it. */
async function existing(folder: string): Promise<readonly string[]> {
  const inside = (path: string): Promise<readonly string[]> => readdir(path).catch(() => [])
  const configs = (await inside(folder)).filter((name) => name === CONFIG_FILE)
  const policies = (await inside(join(folder, 'policies'))).filter((name) => name.endsWith('.yaml'))
  return [
    ...configs.map((name) => join(folder, name)),
    ...policies.map((name) => join(folder, 'policies', name)),
  ]
}
