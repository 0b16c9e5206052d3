/** 100,000 people against the Okta stand-in in simulated time: how many calls, and how soon a change of groups is seen. */

import { simulate } from '../directory-simulation.ts'
import type { BenchPart } from '../part.ts'

export const part: BenchPart = {
  about: 'groups of 100,000 people, in simulated time; settings people (100000), minutes (45)',
  run: async (bench) => {
    const people = Number(bench.settings.get('people') ?? 100_000)
    const minutes = Number(bench.settings.get('minutes') ?? 45)
    bench.print(
      '| at work | calls admitted | event hook | calls a minute (most) | old groups count for: median, 95 %, longest | requests without an answer |',
    )
    bench.print('| ---: | ---: | --- | ---: | ---: | ---: |')
    for (const [active, callsAMinute, hooks] of CASES) {
      bench.progress(`${active} at work, ${callsAMinute} calls`)
      const result = await simulate({ people, active, callsAMinute, minutes, hooks })
      const { seen, unknown, requests } = result
      const times = [seen.median, seen.p95, seen.longest].map(timeText).join(', ')
      const share = `${((100 * unknown) / requests).toFixed(2)} %`
      const calls = `${result.callsAMinute} (${result.mostCallsAMinute})`
      bench.print(
        `| ${active} | ${callsAMinute} | ${hooks ? 'yes' : 'no'} | ${calls} | ${times} | ${share} |`,
      )
      if (result.mostCallsAMinute > callsAMinute * 1.1) throw new Error('more calls than the share')
    }
  },
}

/** At work at a time, Okta's limit for each call, whether its event hook is set up. */
const CASES = [
  [500, 600, false],
  [2_000, 600, false],
  [5_000, 600, false],
  [5_000, 1_200, true],
  [15_000, 1_200, false],
] as const

function timeText(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${(seconds / 60).toFixed(1)} min`
}
