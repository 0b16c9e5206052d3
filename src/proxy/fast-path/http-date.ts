/** The time as `Date` has it. RFC 9110 §5.6.7 */

let second = Number.NaN
let text = ''

/** @param time milliseconds since 1970 */
export function httpDate(time: number): string {
  const now = Math.floor(time / 1_000)
  if (now !== second) {
    second = now
    text = new Date(time).toUTCString()
  }
  return text
}
