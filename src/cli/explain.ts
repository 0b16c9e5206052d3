/** `gatehouse explain`: what the gateway would do with a request and why, stage by stage. */

import { explain as explainRequest } from '../policy/explain/explain.ts'
import type { Subject } from '../policy/model.ts'
import { readRequestLine } from '../policy/suite/asked-request.ts'
import { readInlineSubject, type Subjects } from '../policy/suite/subjects.ts'
import { unknownSubject } from '../policy/suite/suite-file.ts'
import { error, type Problem } from '../support/problem.ts'
import { readYaml } from '../support/yaml-document.ts'
import { configuredPolicies } from './configured-policies.ts'
import type { AddCommand, Io } from './io.ts'
import { explainJson, explainText } from './output-explain.ts'
import { printErrors } from './print-problems.ts'

interface ExplainOptions {
  readonly config?: string
  readonly as: string
  readonly json?: boolean
}

export const addExplain: AddCommand = (program, io, done) => {
  program
    .command('explain')
    .summary('say what would happen to a request and why')
    .description(
      'Goes through the stages of a request: canonical form, route, subject, rules, outcome, and what would have to be different.',
    )
    .option('--config <file>', 'config file (default: ./gatehouse.yaml, where there is one)')
    .requiredOption(
      '--as <subject>',
      'a name from testdata/subjects.yaml, `anonymous`, or a person as JSON',
    )
    .option('--json', 'show the result as JSON')
    .argument('<method>', 'method of the request')
    .argument('<url>', 'absolute URL of the request, taken as it is written')
    .addHelpText('after', '\nExit code 0 whatever the outcome; 2 when there is nothing to explain.')
    .action(async (method: string, url: string, options: ExplainOptions) => {
      done(await explain(`${method} ${url}`, options, io))
    })
}

async function explain(line: string, options: ExplainOptions, io: Io): Promise<number> {
  const request = readRequestLine(line)
  if (typeof request === 'string') return refuse(request, io)
  const policies = await configuredPolicies(options.config, io)
  if (policies === 2) return policies
  const subject = subjectNamed(options.as, policies.subjects)
  if ('problems' in subject) return printErrors(subject.problems, io)
  const explained = {
    request,
    subjectName: options.as.startsWith('{') ? 'as given' : options.as,
    subject,
    explanation: explainRequest(policies.table, request, subject, io.now()),
  }
  io.stdout((options.json === true ? explainJson : explainText)(explained, io.cwd))
  return 0
}

/** Where an inline subject is said to be. */
const INLINE = { file: '--as', line: 1, column: 1 }

/** Whom `--as` means: a name, or a person as JSON. */
export function subjectNamed(
  text: string,
  subjects: Subjects,
): Subject | { readonly problems: readonly Problem[] } {
  // JSON is YAML as well; this way mistakes in it have a place.
  if (text.startsWith('{')) {
    const read = readInlineSubject(readYaml(INLINE.file, text))
    return read.subject ?? { problems: read.problems }
  }
  return subjects.get(text) ?? { problems: [error(INLINE, unknownSubject(text, subjects))] }
}

function refuse(message: string, io: Io): number {
  io.stderr(`gatehouse explain: ${message}\n`)
  return 2
}
