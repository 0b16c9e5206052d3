/**
 * First step of `npm test` and, with `bench`, of `npm run bench`: what they need from the system is there, or is
 * installed, or the run ends here.
 */

import { install } from './run-installation.mjs'
import { BENCH_TOOLS, findTool, TEST_TOOLS } from './test-tools.mjs'

const forBench = process.argv[2] === 'bench'
const missingTools = () =>
  (forBench ? BENCH_TOOLS : TEST_TOOLS).filter((tool) => findTool(tool.name) === undefined)

const whyNot = install(missingTools(), forBench ? 'the bench needs' : 'the tests need')
const still = missingTools().map((tool) => tool.name)
if (whyNot !== undefined || still.length > 0) {
  console.error(whyNot ?? `installed, but not found: ${still.join(', ')}`)
  process.exit(1)
}
