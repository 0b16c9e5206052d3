/** The command line: which commands there are, and how a bad one is answered. It touches nothing of the process. */

import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import type { AddCommand, Io } from './io.ts'

/** Exit codes that all commands share; those of single commands stand with them. */
export const EXIT = { ok: 0, fault: 1, badInput: 2 } as const

/** Commands that live as long as a server, made in main.ts because they need its signals. */
export interface RunOptions {
  readonly commands?: readonly AddCommand[]
  /** There are no others: what serves for months does not keep the code of all that it is not. */
  readonly alone?: boolean
}

/** Runs the command that `args` names (without node and script), and returns its exit code. */
export async function run(
  args: readonly string[],
  io: Io,
  options: RunOptions = {},
): Promise<number> {
  let exitCode: number = EXIT.ok
  const program = createProgram(io)
  const done = (code: number) => {
    exitCode = code
  }
  const others = options.alone ? [] : (await import('./commands.ts')).COMMANDS
  for (const add of [...(options.commands ?? []), ...others]) add(program, io, done)
  try {
    await program.parseAsync([...args], { from: 'user' })
  } catch (cause) {
    // Help that was asked for ends here too, with 0; anything else is a command that could not be understood.
    if (cause instanceof CommanderError) return cause.exitCode === 0 ? EXIT.ok : EXIT.badInput
    io.stderr(`gatehouse: ${cause instanceof Error ? (cause.stack ?? cause.message) : cause}\n`)
    return EXIT.fault
  }
  return exitCode
}

function createProgram(io: Io): Command {
  const program = new Command('gatehouse')
  // Set before commands are added: they take these settings over.
  return program
    .description(
      'Identity-aware reverse proxy: sign-in, policies in git, verified identity for apps.',
    )
    .version(readVersion(), '--version', 'print the version')
    .exitOverride()
    .configureOutput({ writeOut: io.stdout, writeErr: io.stderr })
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for what there is)')
    .enablePositionalOptions()
}

/** From the package's own description, which lies at the same place beside the sources and beside what is built. */
function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version
}
