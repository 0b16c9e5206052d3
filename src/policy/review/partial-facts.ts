/** What is not known of a request or of a person, so that whoever asks for it is stopped rather than misled. */

import type { CompiledPolicy, Criterion, Truth } from '../compiled-policy.ts'
import { truthIn } from '../explain/trace.ts'
import { ANONYMOUS, type Facts, type Person, type Subject } from '../model.ts'

/** Something was asked for that is not known. */
export class UntoldError extends Error {
  constructor() {
    super('what is asked for is not known')
    this.name = 'UntoldError'
  }
}

// Made once: a log of a million lines may lead here several times for each of them.
const UNTOLD = new UntoldError()

/** @throws UntoldError always: stands where a value would be that is not known */
export function untold(): never {
  throw UNTOLD
}

/**
 * A criterion's value for what is known; `undefined` where it depends on the rest. `provedAgain` as in Evaluate.
 * An anonymous subject is known: what is unknown of them is so in the gateway, too.
 */
export type Told = (facts: Facts, subject: Subject, provedAgain: boolean) => Truth | undefined

/** Makes a criterion's Told, once for each place where it stands. */
export type Tell = (criterion: Criterion) => Told

/** By facts and subjects whose unknown parts are `untold()`; groups that a directory cannot tell stay unknown. */
export const tellByAsking: Tell = (criterion) => (facts, subject, provedAgain) =>
  ask(criterion, facts, subject, provedAgain)

/** The criterion's value; `undefined` where it asks for what is not known. */
export function ask(
  criterion: Pick<Criterion, 'evaluate'>,
  facts: Facts,
  subject: Subject,
  provedAgain: boolean,
): Truth | undefined {
  try {
    return truthIn(criterion, facts, subject, provedAgain)
  } catch (cause) {
    if (cause instanceof UntoldError) return undefined
    throw cause
  }
}

/** `known`, and all else is `untold()`. */
export function partly<T extends object>(known: Partial<T>): T {
  return new Proxy(known as T, {
    get: (target, key) => (key in target ? (Reflect.get(target, key) as unknown) : untold()),
  })
}

/** Facts of which at most the path is known. */
export function factsOfPath(path: string | undefined): Facts {
  return partly<Facts>({ now: undefined, ...(path === undefined ? {} : { path }) })
}

/** Somebody signed in of whom no more is known. */
export const SOMEBODY: Person = partly<Person>({
  kind: 'person',
  // The pause after a step-up decides how a refusal is worded, not whether it is one.
  steppedUpAt: undefined,
})

/** Everybody who may ask, where it is not known who did. */
export const ANYBODY: readonly Subject[] = [ANONYMOUS, SOMEBODY]

/** Every criterion of `policy`, those of shared conditions once. */
export function criteriaOf(policy: CompiledPolicy): readonly Criterion[] {
  const seen = new Set<unknown>()
  const found: Criterion[] = []
  const walk = (node: CompiledPolicy['rules'][number]['body']): void => {
    if (seen.has(node)) return
    seen.add(node)
    if (node.kind === 'criterion') found.push(node)
    else if (node.kind === 'use') walk(node.body)
    else for (const item of node.items) walk(item)
  }
  for (const rule of policy.rules) walk(rule.body)
  return found
}
