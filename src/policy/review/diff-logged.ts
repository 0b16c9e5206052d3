/**
 * What a line of the log tells of a request, as facts and a subject for decisions. What it does not tell is `untold()`:
 * headers, certificate, claims, how the sign-in was done, and groups that the logged route's policy did not name.
 */

import { type CompiledPolicy, type Criterion, UNKNOWN } from '../compiled-policy.ts'
import { ANONYMOUS, type Facts, type Groups, type Person, type Subject } from '../model.ts'
import type { LoggedRequest } from './diff-log-line.ts'
import { ask, criteriaOf, type Tell, untold } from './partial-facts.ts'
import type { PolicyKeys } from './policy-keys.ts'

/** The line that is being looked at. Its facts and its subject are the same objects for every line: a log has millions. */
export interface Logged {
  /** From now on everything here speaks of this line. */
  turnTo(line: LoggedRequest): void
  /** The line's, with the path as its route sees it. */
  facts(path: string): Facts
  /** The person of the line, or nobody. */
  readonly subject: Subject
  /** What criteria say of it, where the route that the line was logged for had this policy. */
  tellFor(loggedPolicy: CompiledPolicy | undefined): Tell
}

/** `keys` are those of the policies that will be judged. */
export function createLogged(keys: PolicyKeys): Logged {
  const current: Current = { line: undefined, path: '', spellings: undefined }
  const facts = factsOf(current)
  const views = viewsOf(current)
  const tells = new Map<CompiledPolicy | undefined, Tell>()
  const makeTell = (loggedPolicy: CompiledPolicy | undefined): Tell => {
    const viewFor = createViewChoice(loggedPolicy, keys)
    return (criterion) => {
      const view = views[viewFor(criterion)]
      return (asked, subject, provedAgain) => {
        const seen = subject === views.some ? view : subject
        const truth = ask(criterion, asked, seen, provedAgain)
        // Of a person it is groups that are unknown: to the log, whatever the gateway knew.
        return truth === UNKNOWN && subject.kind === 'person' ? undefined : truth
      }
    }
  }
  return {
    turnTo(line) {
      current.line = line
      current.spellings = undefined
    },
    facts(path) {
      current.path = path
      return facts
    },
    get subject() {
      return personIn(current) === undefined ? ANONYMOUS : views.some
    },
    tellFor(loggedPolicy) {
      let tell = tells.get(loggedPolicy)
      if (tell === undefined) {
        tell = makeTell(loggedPolicy)
        tells.set(loggedPolicy, tell)
      }
      return tell
    },
  }
}

interface Current {
  line: LoggedRequest | undefined
  path: string
  /** The person's groups, made when they are first asked for. */
  spellings: ReadonlySet<string> | undefined
}

function personIn({ line }: Current) {
  return typeof line?.who === 'object' ? line.who : undefined
}

function factsOf(current: Current): Facts {
  return {
    get method() {
      return current.line?.method ?? untold()
    },
    get path() {
      return current.path
    },
    get sourceIp() {
      return current.line?.sourceIp ?? untold()
    },
    get rawHeaders() {
      return untold()
    },
    get now() {
      return current.line?.now
    },
    get clientCertificate() {
      return untold()
    },
  }
}

/**
 * The person of the line with as much of their groups as a criterion may rely on. `some`: those that are logged, and
 * there may be others. `named`: of the groups that the criterion names, all that they are in. `described`: all that the
 * criterion describes.
 */
type View = 'some' | 'named' | 'described'

function viewsOf(current: Current): Readonly<Record<View, Person>> {
  const isTold = () => personIn(current)?.groups !== undefined
  return {
    some: personSeen(current, () => false, true),
    named: personSeen(current, isTold, false),
    described: personSeen(current, isTold, true),
  }
}

function personSeen(current: Current, isComplete: () => boolean, hasList: boolean): Person {
  const names = () => personIn(current)?.groups ?? []
  const groups: Groups = {
    get list() {
      return hasList ? names().map((name) => ({ name })) : untold()
    },
    get spellings() {
      current.spellings ??= new Set(names())
      return current.spellings
    },
    get complete() {
      return isComplete()
    },
  }
  return {
    kind: 'person',
    get sub() {
      return personIn(current)?.sub ?? untold()
    },
    get provider() {
      return personIn(current)?.provider
    },
    get email() {
      return personIn(current)?.email
    },
    groups,
    get claims() {
      return untold()
    },
    get acr() {
      return untold()
    },
    get amr() {
      return untold()
    },
    get authTime() {
      return untold()
    },
    // The pause after a step-up decides how a refusal is worded, not whether it is one.
    steppedUpAt: undefined,
  }
}

/** A log holds the groups that the policy of its route named: those are told, and no others. */
function createViewChoice(
  loggedPolicy: CompiledPolicy | undefined,
  keys: PolicyKeys,
): (criterion: Criterion) => View {
  if (loggedPolicy === undefined) return () => 'some'
  const logged = new Set(criteriaOf(loggedPolicy).map(keys.node))
  return (criterion) => {
    const { groups } = criterion
    const areNamed = groups.every(
      ({ exact, describes }) =>
        describes === undefined && exact.every((group) => loggedPolicy.namesGroup(group)),
    )
    if (areNamed) return 'named'
    const areDescribed = groups.every(({ describes }) => describes !== undefined)
    return areDescribed && logged.has(keys.node(criterion)) ? 'described' : 'some'
  }
}
