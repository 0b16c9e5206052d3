/** Verdicts as text: a table, and below it what was sent and what came of it where a target did not hold. */

import type { Fault, Verdict } from './verdicts.ts'

const MOST_FAULTS = 5
const MOST_BYTES = 300

export function row(verdict: Verdict): string {
  const { id, name } = verdict.attack
  return `| ${id} | ${name} | ${result(verdict)} |`
}

export const HEAD = '| | attack | result, of so many attempts |\n|---|---|---|'

function result(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'held':
      return `held, ${verdict.attempts}`
    case 'did not hold':
      return `**did not hold**, ${verdict.faults.length} of ${verdict.attempts}`
    case 'not applicable':
      return `not applicable: ${verdict.why}`
  }
}

export function summary(name: string, verdicts: readonly Verdict[]): string {
  const count = (kind: Verdict['kind']) => verdicts.filter((one) => one.kind === kind).length
  const counts = `${count('held')} held, ${count('did not hold')} did not, ${count('not applicable')} not applicable`
  return `${name}: ${counts}`
}

/** @param most how many faults of each attack are shown */
export function details(verdicts: readonly Verdict[], most = MOST_FAULTS): string {
  return verdicts
    .flatMap((verdict) => (verdict.kind === 'did not hold' ? [detailsOf(verdict, most)] : []))
    .join('\n')
}

function detailsOf(verdict: Extract<Verdict, { kind: 'did not hold' }>, most: number): string {
  const { attack, faults } = verdict
  const more = faults.length > most ? [`  and ${faults.length - most} more`] : []
  return [`${attack.id}, ${attack.name}:`, ...faults.slice(0, most).map(lineOf), ...more].join('\n')
}

function lineOf({ attempt, sent, status, why }: Fault): string {
  const bytes = sent.length > MOST_BYTES ? `${sent.slice(0, MOST_BYTES)}...` : sent
  return `  ${attempt}: ${why}\n    sent ${JSON.stringify(bytes)}; answered ${status}`
}
