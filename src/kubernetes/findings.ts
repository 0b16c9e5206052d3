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
