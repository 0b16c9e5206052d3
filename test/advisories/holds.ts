/** Attacks as tests of Gatehouse: each attempt has to hold, and to do what only Gatehouse promises. */

import type { Test } from 'tap'
import type { Attack, Seen } from './attack.ts'
import type { Target } from './target.ts'

/** @param also what is asked of Gatehouse over and above; false where it is not so */
export async function holds(
  t: Test,
  target: Target,
  attack: Attack,
  also: (seen: Seen, attempt: string) => boolean = () => true,
): Promise<void> {
  await t.test(`${attack.id}: ${attack.name}`, async (t) => {
    t.equal(attack.inapplicable?.(target), undefined)
    const attempts = attack.attempts(target)
    t.ok(attempts.length > 0)
    // One assertion for all: there are thousands of attempts.
    const wrong: string[] = []
    for (const { name, run } of attempts) {
      const seen = await run(target)
      if (seen.fault !== undefined) wrong.push(`${name}: ${seen.fault}`)
      else if (!also(seen, name)) wrong.push(`${name}: ${outcomeOf(seen)}`)
    }
    t.same(wrong, [])
  })
}

function outcomeOf({ answer, arrived }: Seen): string {
  const heads = arrived.map(({ head }) => head).join('\n')
  return `${answer.status}, ${answer.answers} answers, ${arrived.length} arrived: ${heads}`
}
