/** First step of `npm run test:helm`: Helm is there, or is built, or the run ends here. */

import { findHelm, installHelm } from './helm-tool.mjs'

const whyNot = findHelm() === undefined ? installHelm() : undefined
if (whyNot !== undefined) {
  console.error(whyNot)
  process.exit(1)
}
