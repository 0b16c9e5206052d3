/** "did you mean": the nearest of the names that would have been right. */

import { distance } from 'fastest-levenshtein'

/** `, did you mean \`NAME\`?` or an empty text where nothing is near. */
export function didYouMean(written: string, known: Iterable<string>): string {
  let nearest: string | undefined
  // A third of the letters may differ: enough for a slip of the finger, too few for another word.
  let least = Math.floor(written.length / 3) + 1
  for (const name of known) {
    const steps = distance(written.toLowerCase(), name.toLowerCase())
    if (steps < least) {
      nearest = name
      least = steps
    }
  }
  return nearest === undefined ? '' : `, did you mean \`${nearest}\`?`
}
