/** First step of `npm test`: what the tests need from the system is there, or is installed, or the run ends here. */

import { install } from './run-installation.mjs'
import { findTool, TEST_TOOLS } from './test-tools.mjs'

const missingTools = () => TEST_TOOLS.filter((tool) => findTool(tool.name) === undefined)

const whyNot = install(missingTools(), 'the tests need')
const still = missingTools().map((tool) => tool.name)
if (whyNot !== undefined || still.length > 0) {
  console.error(whyNot ?? `installed, but not found: ${still.join(', ')}`)
  process.exit(1)
}
