/** Command lines in the pages: taken apart as a shell does it, and held against the commands that there are. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { COMMANDS } from '../../src/cli/commands.ts'
import { createDemoCommand } from '../../src/cli/demo.ts'
import type { AddCommand } from '../../src/cli/io.ts'
import { createServeCommand } from '../../src/cli/serve.ts'
import { type CommandResult, runCommand } from '../cli/run-command.ts'
import { ROOT } from './doc-pages.ts'

/** What the process of a test never starts. */
const SERVERS = [
  createServeCommand({ on: () => () => undefined }),
  createDemoCommand(() => Promise.resolve()),
]

const WORD = /(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"';|&<>()])+|[;|&<>()]+/g

/** The commands of a block of shell, each as its words; remarks, assignments and redirections are left out. */
export function commandsOf(shell: string): readonly (readonly string[])[] {
  return shell
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .flatMap((line) => commandsOfLine(line.replace(/(^|\s)#.*$/, '')))
}

function commandsOfLine(line: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]]
  let isRedirected = false
  for (const [word] of line.matchAll(WORD)) {
    if (/^[<>]+$/.test(word)) isRedirected = true
    else if (/^[;|&()]+$/.test(word)) commands.push([])
    else if (isRedirected) isRedirected = false
    else commands.at(-1)?.push(word.replaceAll(/["']/g, ''))
  }
  return commands.map(withoutAssignments).filter((words) => words.length > 0)
}

function withoutAssignments(words: readonly string[]): readonly string[] {
  const first = words.findIndex((word) => !/^[A-Za-z_]+=/.test(word))
  return first === -1 ? [] : words.slice(first)
}

/** The arguments of `gatehouse` in a command, however it is called; `undefined` where it is another program. */
export function gatehouseArguments(words: readonly string[]): readonly string[] | undefined {
  const plain = words[0] === 'npx' ? words.slice(1) : words
  if (plain[0] === 'gatehouse') return plain.slice(1)
  const { script, args } = npmScript(words) ?? {}
  if (script === 'gatehouse') return args
  return script === 'start' ? ['demo', ...(args ?? [])] : undefined
}

interface NpmScript {
  readonly script: string
  readonly args: readonly string[]
}

/** The script of package.json that an `npm` command names. */
export function npmScript(words: readonly string[]): NpmScript | undefined {
  if (words[0] !== 'npm') return undefined
  const end = words.indexOf('--')
  const args = end === -1 ? [] : words.slice(end + 1)
  const [verb = '', script] = (end === -1 ? words : words.slice(0, end))
    .slice(1)
    .filter((word) => !word.startsWith('-'))
  if (verb === 'test' || verb === 't') return { script: 'test', args }
  if (verb === 'start') return { script: 'start', args }
  return verb === 'run' && script !== undefined ? { script, args } : undefined
}

/** Understood by the program, and not carried out: exit code 0, or 2 with what is wrong. */
export function understand(args: readonly string[]): Promise<CommandResult> {
  return runCommand(args, {}, { alone: true, commands: [...SERVERS, ...COMMANDS, withoutActions] })
}

const withoutActions: AddCommand = (program) => {
  for (const command of leavesOf(program)) command.action(() => undefined)
}

function leavesOf(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf)
}

/** `sessions revoke` -> its options, for mentions that are no whole commands. */
async function knownCommands(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const known = new Map<string, ReadonlySet<string>>()
  const note = (command: Command, path: string): void => {
    known.set(path, new Set(command.options.map((option) => option.long ?? '')))
    for (const inner of command.commands) note(inner, `${path} ${inner.name()}`.trim())
  }
  const look: AddCommand = (program) => note(program, '')
  await runCommand(['--version'], {}, { alone: true, commands: [...SERVERS, ...COMMANDS, look] })
  return known
}

const known = await knownCommands()

/** What is wrong with a mention such as `gatehouse sessions list|revoke --user EMAIL`; `undefined` where nothing is. */
export function wrongMention(args: readonly string[]): string | undefined {
  const names = args.filter((word) => /^[a-z][a-z|-]*$/.test(word))
  const options = args.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0])
  const [first = ''] = names
  if (first !== '' && !known.has(first)) return `there is no command \`${first}\``
  const inner = known.has(`${first} ${names[1]?.split('|')[0]}`) ? names[1]?.split('|') : undefined
  for (const path of inner?.map((name) => `${first} ${name}`) ?? [first]) {
    const has = known.get(path)
    if (has === undefined) return `there is no command \`${path}\``
    const unknown = options.find((option) => !has.has(option ?? '') && option !== '--help')
    if (unknown !== undefined) return `\`${path}\` has no option \`${unknown}\``
  }
  return undefined
}

const scripts = (
  JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>
  }
).scripts

/** What is wrong with a script that is called; `undefined` where nothing is. */
export function wrongScript({ script, args }: NpmScript): string | undefined {
  const runs = scripts[script]
  if (runs === undefined) return `package.json has no script \`${script}\``
  if (script === 'bench') return wrongBenchPart(args)
  if (script === 'okta') {
    const text = readFileSync(join(ROOT, 'scripts/okta.ts'), 'utf8')
    const names = args.filter((arg) => arg.startsWith('--')).map((arg) => arg.slice(2))
    const unknown = names.find((name) => !new RegExp(`\\b'?${name}'?: \\{ type:`).test(text))
    return unknown === undefined ? undefined : `scripts/okta.ts has no option \`--${unknown}\``
  }
  return undefined
}

function wrongBenchPart(args: readonly string[]): string | undefined {
  const parts = args.filter((arg) => !arg.startsWith('-')).map((arg) => arg.split(':')[0])
  const unknown = parts.find((part) => !existsSync(join(ROOT, `test/bench/parts/${part}.ts`)))
  return unknown === undefined ? undefined : `the bench has no part \`${unknown}\``
}
