/** What is wrong with a file that somebody wrote, and where: the one form in which it is reported. */

export interface Position {
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  /** Counted from 1. */
  readonly column: number
}

export interface Problem extends Position {
  readonly severity: 'error' | 'warning'
  /** Lower case start, no final stop, what was written in backticks, one line, and what to write instead. */
  readonly message: string
}

/** Where a whole file is meant, or a folder. */
export function startOf(file: string): Position {
  return { file, line: 1, column: 1 }
}

/** `file:line:column: message`, the form that editors and CI systems turn into a link. */
export function formatProblem(problem: Problem): string {
  const kind = problem.severity === 'warning' ? 'warning: ' : ''
  return `${problem.file}:${problem.line}:${problem.column}: ${kind}${problem.message}`
}

export function error(at: Position, message: string): Problem {
  return { severity: 'error', file: at.file, line: at.line, column: at.column, message }
}

export function warning(at: Position, message: string): Problem {
  return { severity: 'warning', file: at.file, line: at.line, column: at.column, message }
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === 'error')
}
