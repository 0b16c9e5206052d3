/**
 * Texts that are put into many others. A text that was put together lies in memory as its parts until somebody reads all of
 * it, and whoever writes it walks over them: parts of parts cost several times as much as one row of parts.
 */

/** `text` in one part. */
export function flatText(text: string): string {
  return Buffer.from(text).toString()
}
