/** Verdicts as text: a table with a column for each target, and below it what was sent and what came of it. */

import { ATTACKS } from './cases/all.ts'
import { OWN_ATTACKS } from './cases/own.ts'
import type { Fault, Verdict } from './verdicts.ts'

export interface Tried {
  /** Of the target. */
  readonly name: string
  readonly verdicts: readonly Verdict[]
}

const MOST_FAULTS = 5
const MOST_BYTES = 300

/** In Markdown; attacks that need more than a socket follow where all others were tried. */
export function table(all: readonly Tried[]): string {
  const head = row(['', 'attack', ...all.map(({ name }) => name)])
  const attacks = all[0]?.verdicts.map(({ attack }) => attack) ?? []
  const rows = attacks.map(({ id, name }, n) =>
    row([id, name, ...all.map(({ verdicts }) => result(verdicts[n]))]),
  )
  const own = OWN_ATTACKS.map(({ ids, name, why }) =>
    row([ids, name, ...all.map(() => `not applicable: ${why}`)]),
  )
  const isWhole = attacks.length === ATTACKS.length
  return [
    head,
    row(all.map(() => '---').concat('---', '---')),
    ...rows,
    ...(isWhole ? own : []),
  ].join('\n')
}

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`

function result(verdict: Verdict | undefined): string {
  switch (verdict?.kind) {
    case 'held':
      return `held, ${verdict.attempts}`
    case 'did not hold':
      return `**did not hold**, ${verdict.faults.length} of ${verdict.attempts}`
    case 'not applicable':
      return `not applicable: ${verdict.why}`
    case undefined:
      return ''
  }
}

export function summary({ name, verdicts }: Tried): string {
  const count = (kind: Verdict['kind']) => verdicts.filter((one) => one.kind === kind).length
  const inapplicable = count('not applicable')
  const more = inapplicable === 0 ? '' : `, ${inapplicable} not applicable`
  return `${name}: ${count('held')} held, ${count('did not hold')} did not hold${more}`
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
