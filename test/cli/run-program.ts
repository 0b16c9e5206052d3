/** Runs a command in this process, as main.ts does, and keeps what it prints. */

import { PassThrough } from 'node:stream'
import type { Io } from '../../src/cli/io.ts'
import { type RunOptions, run } from '../../src/cli/program.ts'

export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export async function runCommand(
  args: readonly string[],
  io: Partial<Io> = {},
  options: RunOptions = {},
): Promise<CommandResult> {
  let stdout = ''
  let stderr = ''
  const exitCode = await run(
    args,
    {
      stdout: (text) => {
        stdout += text
      },
      stderr: (text) => {
        stderr += text
      },
      env: {},
      cwd: '/',
      stdin: new PassThrough(),
      now: () => Date.parse('2026-03-02T09:00:00Z'),
      isTty: false,
      ...io,
    },
    options,
  )
  return { exitCode, stdout, stderr }
}
