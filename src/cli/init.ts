/** `gatehouse init`: five answers become a config, a policy with its test, and fresh secrets, checked before they are written. */

import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { loadSnapshot } from '../config/load.ts'
import { hasErrors, type Problem } from '../support/problem.ts'
import { startAsking } from './ask.ts'
import { lookAt } from './init-end.ts'
import {
  INIT_PATHS,
  type InitAnswers,
  type InitFiles,
  initFiles,
  secretVariable,
} from './init-files.ts'
import type { AddCommand, Io } from './io.ts'
import { printProblems, shownPath } from './print-problems.ts'

interface Options {
  readonly dir: string
  readonly publicUrl?: string
  readonly provider?: string
  readonly issuer?: string
  readonly clientId?: string
  readonly clientSecret?: string
  readonly publicClient?: boolean
  readonly from?: string
  readonly to?: string
  readonly group?: string
  readonly force?: boolean
  readonly doctor: boolean
}

const HELP = `
What no flag says is asked for, where standard input is a terminal. The client secret is better typed, or taken from the
environment variable GATEHOUSE_CLIENT_SECRET, than written as a flag, where other users of the machine can read it.

It ends with what \`check\` and \`doctor\` say, and with what is left to do; what they find undoes nothing.

Exit code 0; 2 where an answer is missing or wrong, or something would be overwritten. Then nothing is written.`

export const addInit: AddCommand = (program, io, done) => {
  program
    .command('init')
    .summary('write a first config, a policy with its test, and secrets')
    .description(
      'Asks five questions, or takes flags, and writes gatehouse.yaml, policies/ with a test, and .env with fresh secrets.',
    )
    .option('--dir <folder>', 'where to write', '.')
    .option('--public-url <origin>', 'origin of sign-in and pages, as in http://localhost:8080')
    .option('--issuer <url>', "the identity provider's issuer")
    .option('--client-id <id>', 'client id of the app at the provider')
    .option('--client-secret <secret>', 'its client secret')
    .option('--public-client', 'it has none: a public client with PKCE')
    .option('--to <url>', 'URL of the app to protect')
    .option('--from <origin>', "the app's own origin; default: `app` beside the public URL's host")
    .option('--provider <name>', 'name of the provider in the config; default: okta or sso')
    .option('--group <name>', 'only members of this group; default: whoever has signed in')
    .option('--force', 'overwrite what is there')
    .option('--no-doctor', 'do not try the provider and the app at the end')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      done(await init(options, io))
    })
}

async function init(options: Options, io: Io): Promise<number> {
  const folder = resolve(io.cwd, options.dir)
  // Before anything is asked: nobody answers five questions for nothing.
  const taken = options.force === true ? [] : await existing(folder)
  if (taken.length > 0) {
    const list = taken.map((path) => shownPath(path, io.cwd)).join(', ')
    return refuse(
      `${list} would be overwritten; name another folder with --dir, or add --force`,
      io,
    )
  }
  const answers = await collect(options, io)
  if (typeof answers === 'string') return refuse(answers, io)
  const files = initFiles(answers)
  const problems = await tryOut(files, answers, io)
  if (hasErrors(problems)) {
    printProblems(problems, io)
    return refuse('nothing has been written: an answer is wrong', io)
  }
  await write(folder, files)
  io.stdout(`Written to ${folder}: ${Object.keys(files).join(', ')}\n`)
  await lookAt(
    folder,
    answers,
    { ...io, env: { ...io.env, ...environmentOf(files, answers) } },
    options.doctor,
  )
  return 0
}

function refuse(why: string, io: Io): number {
  io.stderr(`gatehouse: ${why}\n`)
  return 2
}

/** The answers; a text says which are missing. */
async function collect(options: Options, io: Io): Promise<InitAnswers | string> {
  const given = {
    publicUrl: options.publicUrl,
    issuer: options.issuer,
    clientId: options.clientId,
    clientSecret:
      options.publicClient === true
        ? ''
        : (options.clientSecret ?? io.env['GATEHOUSE_CLIENT_SECRET']),
    to: options.to,
  }
  const answered = Object.values(given).includes(undefined) ? await ask(given, io) : given
  if (typeof answered === 'string') return answered
  const { publicUrl = '', issuer = '', clientId = '', clientSecret = '', to = '' } = answered
  const origin = originOf(publicUrl)
  if (origin === undefined) {
    return `\`${publicUrl}\` is no origin; write it as in http://localhost:8080 or https://auth.example.com`
  }
  return {
    publicUrl: origin,
    issuer,
    clientId,
    clientSecret,
    to,
    from: options.from ?? besides(origin),
    provider: options.provider ?? (/(^|[./])okta/.test(issuer) ? 'okta' : 'sso'),
    group: options.group ?? '',
  }
}

type Given = Partial<
  Record<'publicUrl' | 'issuer' | 'clientId' | 'clientSecret' | 'to', string | undefined>
>

const FLAGS = {
  publicUrl: '--public-url',
  issuer: '--issuer',
  clientId: '--client-id',
  clientSecret: '--client-secret or --public-client',
  to: '--to',
} as const

/** Asks for what is not given; a text where nobody answers. */
async function ask(given: Given, io: Io): Promise<Given | string> {
  const keys = Object.keys(FLAGS) as (keyof typeof FLAGS)[]
  const missing = keys.filter((key) => given[key] === undefined)
  if (!('isTTY' in io.stdin) || io.stdin.isTTY !== true) {
    return `standard input is no terminal, so that nothing can be asked; add ${missing.map((key) => FLAGS[key]).join(', ')}`
  }
  const asking = startAsking(io)
  try {
    const answers: Given = { ...given }
    for (const key of missing) {
      const answer = await question(key, asking)
      if (answer === undefined) return 'nothing has been written: the answers ended'
      answers[key] = answer
    }
    return answers
  } finally {
    asking.close()
  }
}

function question(key: keyof typeof FLAGS, asking: ReturnType<typeof startAsking>) {
  switch (key) {
    case 'publicUrl':
      return asking.line('Where will people reach Gatehouse?', 'http://localhost:8080')
    case 'issuer':
      return asking.line('Issuer of your identity provider, as in https://acme.okta.com')
    case 'clientId':
      return asking.line('Client id of the app there')
    case 'clientSecret':
      return asking.secret('Client secret (empty for a public client)')
    case 'to':
      return asking.line('URL of the app to protect', 'http://127.0.0.1:3000')
  }
}

function originOf(written: string): string | undefined {
  const url = URL.parse(written)
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:'
  return url !== null && isWeb && url.pathname === '/' && url.search === '' ? url.origin : undefined
}

/** `app` on the same domain: app.localhost, app.example.com. */
function besides(publicUrl: string): string {
  const url = new URL(publicUrl)
  const labels = url.hostname.split('.')
  url.hostname = labels.length > 2 ? ['app', ...labels.slice(1)].join('.') : `app.${url.hostname}`
  return url.origin
}

async function existing(folder: string): Promise<readonly string[]> {
  const paths = INIT_PATHS.map((path) => join(folder, path))
  const found = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => path,
        () => undefined,
      ),
    ),
  )
  return found.filter((path) => path !== undefined)
}

/** What the file of secrets brings into the environment. */
function environmentOf(files: InitFiles, { provider, clientSecret }: InitAnswers) {
  const secret = /^GATEHOUSE_SECRET=(.*)$/m.exec(files['.env'] ?? '')?.[1] ?? ''
  return { GATEHOUSE_SECRET: secret, [secretVariable(provider)]: clientSecret }
}

/** Loads what would be written, elsewhere: a wrong answer leaves nothing behind. */
async function tryOut(files: InitFiles, answers: InitAnswers, io: Io): Promise<readonly Problem[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-init-'))
  try {
    await write(folder, files)
    const env = environmentOf(files, answers)
    const configFile = join(folder, 'gatehouse.yaml')
    const { problems } = await loadSnapshot({ configFile, env, now: io.now })
    return problems.map((problem) => ({ ...problem, file: problem.file.replace(`${folder}/`, '') }))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function write(folder: string, files: InitFiles): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content, { mode: path === '.env' ? 0o600 : 0o644 })
  }
}
