/** Problems as a command prints them: one line each, with paths as short as they can be. */

import { relative, sep } from 'node:path'
import { formatProblem, type Problem } from '../support/problem.ts'
import type { Io } from './io.ts'

/** Prints every problem to stderr, in the order given. */
export function printProblems(problems: readonly Problem[], io: Io): void {
  // There may be thousands, of a few files.
  const files = new Map<string, string>()
  for (const problem of problems) {
    const file = files.get(problem.file) ?? shownPath(problem.file, io.cwd)
    files.set(problem.file, file)
    // A message may name a second place.
    const message = problem.message.replaceAll(`(${io.cwd}${sep}`, '(')
    io.stderr(`${formatProblem({ ...problem, file, message })}\n`)
  }
}

/** Prints the errors among `problems`; returns the exit code for bad input. */
export function printErrors(problems: readonly Problem[], io: Io): 2 {
  printProblems(
    problems.filter(({ severity }) => severity === 'error'),
    io,
  )
  return 2
}

/** `path` relative to `cwd` where it lies below it, else as it is. */
export function shownPath(path: string, cwd: string): string {
  const short = relative(cwd, path)
  return short === '' || short === '..' || short.startsWith(`..${sep}`) ? path : short
}

/** `1 error`, `2 errors`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
