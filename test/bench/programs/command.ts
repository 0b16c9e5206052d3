/** Runs one command line, prints none of its output, and prints the CPU seconds that it took. */

import { runCommand } from '../../cli/run-command.ts'

const { exitCode, stderr } = await runCommand(process.argv.slice(2), { cwd: process.cwd() })
if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stderr}`)
const { user, system } = process.cpuUsage()
console.log(((user + system) / 1e6).toFixed(1))
