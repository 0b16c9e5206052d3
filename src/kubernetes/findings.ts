/** What is wrong with an Ingress, as its owners are told by an event. Data only. */

export type FindingReason =
  /** Nobody is let in by it until it is mended. */
  | 'Refused'
  /** A host or a path of it is somebody else's. */
  | 'Conflict'
  /** It picks no policy, so that nobody is let in. */
  | 'NoPolicy'
  /** A Service of it cannot be used: those paths are answered 503. */
  | 'BackendUnavailable'
  /** A certificate of it is not shown. */
  | 'CertificateUnavailable'

export interface Finding {
  readonly reason: FindingReason
  /** Lower case start, no final stop, what was written in backticks, one line, and what to do. */
  readonly message: string
}

/** One Ingress can have a thousand mistakes, and each event costs the API server: so many are told at once. */
const MOST_TOLD = 10

/** The first of `findings`, and how many more there are. */
export function worthTelling(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length <= MOST_TOLD) return findings
  const told = findings.slice(0, MOST_TOLD - 1)
  const message = `${findings.length - told.length} more things are wrong with it: mend the others first`
  return [...told, { reason: findings[told.length]?.reason ?? 'Refused', message }]
}
