/** `gatehouse who-can`: who may open what, for reviews of access. */

import { Option } from 'commander'
import type { PolicySet } from '../config/policy-set.ts'
import { whatCan, whoCan } from '../policy/review/who-can.ts'
import type { Route } from '../policy/route.ts'
import { type AskedRequest, readRequest, readRequestLine } from '../policy/suite/asked-request.ts'
import { DEFAULT_CONFIG } from './check.ts'
import { configuredPolicies } from './configured-policies.ts'
import { subjectNamed } from './explain.ts'
import type { AddCommand, Io } from './io.ts'
import { printable } from './output-trace.ts'
import { accessReview, openReview, REVIEW_FORMATS, type Review } from './output-who-can.ts'
import { printErrors } from './print-problems.ts'

interface WhoCanOptions {
  readonly config?: string
  readonly as?: string
  readonly format: keyof typeof REVIEW_FORMATS
}

export const addWhoCan: AddCommand = (program, io, done) => {
  program
    .command('who-can')
    .summary('review who may open what')
    .description(
      'Lists for each route, or for one URL, who may do what by which rule; with --as what one subject may open.',
    )
    .option('--config <file>', `config file (default: ./${DEFAULT_CONFIG}, where there is one)`)
    .option(
      '--as <subject>',
      'a name from testdata/subjects.yaml, `anonymous`, or a person as JSON: what they may open',
    )
    .addOption(
      new Option('--format <format>', 'how to show the result')
        .choices(Object.keys(REVIEW_FORMATS))
        .default('tree'),
    )
    .argument('[url]', 'absolute URL, taken as it is written, in place of all routes')
    .addHelpText(
      'after',
      '\nExit code 0; 2 on an unknown subject, a URL without a route, any error.',
    )
    .action(async (url: string | undefined, options: WhoCanOptions) => {
      done(await whoCanCommand(url, options, io))
    })
}

async function whoCanCommand(
  url: string | undefined,
  options: WhoCanOptions,
  io: Io,
): Promise<number> {
  const request = url === undefined ? undefined : readRequestLine(`GET ${url}`)
  if (typeof request === 'string') return refuse(`\`${url}\` is no absolute http URL`, io)
  const policies = await configuredPolicies(options.config, io)
  if (policies === 2) return policies
  const places = placesOf(policies, request)
  if (typeof places === 'string') return refuse(places, io)
  const review = reviewOf(places, options.as, policies, io)
  if ('problems' in review) return printErrors(review.problems, io)
  io.stdout(REVIEW_FORMATS[options.format](review))
  return 0
}

interface Place {
  readonly route: Route
  /** Decoded; of a review of whole routes it is not known. */
  readonly path: string | undefined
}

/** All routes, or the one that takes the URL; why there is none as a text. */
function placesOf(
  { table }: PolicySet,
  request: AskedRequest | undefined,
): readonly Place[] | string {
  if (request === undefined) return table.routes.map((route) => ({ route, path: undefined }))
  const reading = readRequest(table, request)
  if (reading.kind === 'routed') return [{ route: reading.route, path: reading.path.decoded }]
  if (reading.kind === 'own') return `\`${request.url}\` is answered by Gatehouse, whoever asks`
  return `\`${request.url}\` matches no route: ${reading.detail}`
}

function reviewOf(
  places: readonly Place[],
  as: string | undefined,
  { subjects }: PolicySet,
  { cwd }: Io,
): Review | Exclude<ReturnType<typeof subjectNamed>, { readonly kind: string }> {
  if (as === undefined) {
    return accessReview(
      places.flatMap(({ route, path }) => whoCan(route, path)),
      cwd,
    )
  }
  const subject = subjectNamed(as, subjects)
  if ('problems' in subject) return subject
  return openReview(
    places.map(({ route, path }) => whatCan(route, subject, path)),
    cwd,
  )
}

function refuse(message: string, io: Io): number {
  io.stderr(`gatehouse who-can: ${printable(message)}\n`)
  return 2
}
