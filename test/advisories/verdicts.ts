/** Tries attacks on a target one after the other, and says of each whether it held. */

import type { Attack, Seen } from './attack.ts'
import { attempt } from './attack.ts'
import { HOST, type Target } from './target.ts'

export interface Fault {
  readonly attempt: string
  readonly sent: string
  /** Of the answer; 0 where none came. */
  readonly status: number
  readonly why: string
}

export type Verdict =
  | { readonly kind: 'held'; readonly attack: Attack; readonly attempts: number }
  | {
      readonly kind: 'did not hold'
      readonly attack: Attack
      readonly attempts: number
      readonly faults: readonly Fault[]
    }
  | { readonly kind: 'not applicable'; readonly attack: Attack; readonly why: string }

/** @throws Error where the target does not do what every attack takes for granted */
export async function tryAttacks(
  target: Target,
  attacks: readonly Attack[],
  tell: (verdict: Verdict) => void = () => undefined,
): Promise<readonly Verdict[]> {
  await checkSetUp(target)
  const verdicts: Verdict[] = []
  for (const attack of attacks) {
    const verdict = await tryAttack(target, attack)
    tell(verdict)
    verdicts.push(verdict)
  }
  return verdicts
}

async function tryAttack(target: Target, attack: Attack): Promise<Verdict> {
  const why = attack.inapplicable?.(target)
  if (why !== undefined) return { kind: 'not applicable', attack, why }
  const attempts = attack.attempts(target)
  const faults: Fault[] = []
  for (const { name, run } of attempts) {
    const fault = await run(target).then(faultOf, (cause: unknown) => ({
      sent: '',
      status: 0,
      why: cause instanceof Error ? cause.message : String(cause),
    }))
    if (fault !== undefined) faults.push({ attempt: name, ...fault })
  }
  const about = { attack, attempts: attempts.length }
  return faults.length === 0
    ? { kind: 'held', ...about }
    : { kind: 'did not hold', ...about, faults }
}

function faultOf({ sent, answer, fault }: Seen): Omit<Fault, 'attempt'> | undefined {
  return fault === undefined ? undefined : { sent, status: answer.status, why: fault }
}

/** Who gets in where, by requests that nobody could take for an attack. */
async function checkSetUp(target: Target): Promise<void> {
  const cases = [
    ['nobody', '/public/x', true],
    ['nobody', '/x', false],
    ['nobody', '/admin', false],
    ['dora', '/public/x', true],
    ['dora', '/x', true],
    ['dora', '/admin', false],
    ['ada', '/admin', true],
  ] as const
  for (const [who, path, isOpen] of cases) {
    const ask = (cookie: string) =>
      `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n${cookie}Connection: close\r\n\r\n`
    const { answer, arrived, fault } = await attempt(path, ask, { who }).run(target)
    const isRight = (answer.status === 200) === isOpen && (arrived.length === 1) === isOpen
    if (!isRight || fault !== undefined) {
      const what = fault ?? `${answer.status}, and ${arrived.length} requests arrived`
      throw new Error(
        `${target.name} is not set up as the attacks need it: ${path} by ${who}: ${what}`,
      )
    }
  }
}
