/** Whether this Node can run the program: asked before anything is loaded that an older one cannot even read. */

/** As `engines` in package.json has it. */
const OLDEST = 24

/** What to tell whoever runs it with Node `version`, such as `20.1.0`; `undefined` where that is new enough. */
export function nodeTooOld(version: string): string | undefined {
  if (Number.parseInt(version, 10) >= OLDEST) return undefined
  return `this is Node ${version}; Node ${OLDEST} or newer is needed`
}
