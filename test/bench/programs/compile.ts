/** Compiles the policies of a folder and prints what it took, as cells of a table. Started in a process of its own. */

import { loadPolicies } from '../../../src/config/load.ts'
import { hasErrors } from '../../../src/support/problem.ts'

const peakMegabytes = () => process.resourceUsage().maxRSS / 1024
const before = peakMegabytes()
const started = performance.now()
const cpu = process.cpuUsage()
const { table, problems } = await loadPolicies([process.argv[2] ?? ''])
const { user, system } = process.cpuUsage(cpu)
const wall = performance.now() - started
if (hasErrors(problems) || table.routes.length === 0) throw new Error('the policies are not good')
const seconds = [(user + system) / 1e6, wall / 1e3].map((value) => value.toFixed(2))
console.log([...seconds, peakMegabytes().toFixed(0), before.toFixed(0)].join(' | '))
