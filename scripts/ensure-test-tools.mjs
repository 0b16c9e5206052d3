/**
 * First step of `npm test` and, with `bench`, `advisories`, `long` or `helm`, of `npm run bench`, `advisories`, `test:long` and
 * `test:helm`: what they need from the system is there, or is installed, or the run ends here.
 */

import { install } from './run-installation.mjs'
import {
  ADVISORIES_TOOLS,
  BENCH_TOOLS,
  findTool,
  HELM_TOOLS,
  LONG_TOOLS,
  TEST_TOOLS,
} from './test-tools.mjs'

const RUNS = {
  tests: { tools: TEST_TOOLS, who: 'the tests need' },
  bench: { tools: BENCH_TOOLS, who: 'the bench needs' },
  advisories: { tools: ADVISORIES_TOOLS, who: 'the advisories need' },
  long: {
    tools: process.platform === 'linux' ? [...TEST_TOOLS, ...LONG_TOOLS] : TEST_TOOLS,
    who: 'the long tests need',
  },
  helm: { tools: HELM_TOOLS, who: 'the tests of the chart need' },
}

const { tools, who } = RUNS[process.argv[2] ?? 'tests']
const missingTools = () => tools.filter((tool) => findTool(tool.name) === undefined)

const whyNot = install(missingTools(), who)
const still = missingTools().map((tool) => tool.name)
if (whyNot !== undefined || still.length > 0) {
  console.error(whyNot ?? `installed, but not found: ${still.join(', ')}`)
  process.exit(1)
}
