/** The full path of Helm, or `undefined`. */
export function findHelm(): string | undefined

/** Builds Helm with Go; the sentence that tells why not and what to do, or `undefined` when it is there. */
export function installHelm(): string | undefined
