/** "did you mean": the nearest of the names that would have been right. */

import { distance } from 'fastest-levenshtein'

/** `, did you mean \`NAME\`?` or an empty text where nothing is near. */
export function didYouMean(written: string, known: Iterable<string>): string {
  let nearest: string | undefined
  // A third of the letters may differ: enough for a slip of the finger, too few for another word.
  let least = Math.floor(written.length / 3) + 1
  for (const name of known) {
    const steps = slips(written.toLowerCase(), name.toLowerCase())
    if (steps < least) {
      nearest = name
      least = steps
    }
  }
  return nearest === undefined ? '' : `, did you mean \`${nearest}\`?`
}

/** Letters to add, drop or change; two neighbours that have changed places are one slip. */
function slips(written: string, name: string): number {
  const steps = distance(written, name)
  return steps === 2 && isOneSwap(written, name) ? 1 : steps
}

function isOneSwap(written: string, name: string): boolean {
  for (let i = 0; i + 1 < name.length; i++) {
    if (written[i] === name[i]) continue
    const swapped = `${name.slice(0, i)}${name[i + 1]}${name[i]}${name.slice(i + 2)}`
    return written === swapped
  }
  return false
}
