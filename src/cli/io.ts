/** What a command may use of the process that it runs in, passed in so that tests run commands without one. */

import type { Command } from 'commander'
import type { Clock } from '../support/time.ts'

export interface Io {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly stdin: NodeJS.ReadableStream
  readonly now: Clock
  /** True where stdout is a terminal, so that colour is welcome. */
  readonly isTty: boolean
  /** True where stderr is one, so that progress may be shown there. */
  readonly isErrTty?: boolean
}

/**
 * Registers one command with `program`. Its action calls `done` once with the exit code: 0 for success, 2 for bad input;
 * it never ends the process and never sets a code itself. An action may be async; a rejection is a fault of ours (1).
 */
export type AddCommand = (program: Command, io: Io, done: (exitCode: number) => void) => void
