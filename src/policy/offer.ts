/** Routes that come from outside of the policy files, such as those of a cluster: a bad one harms itself alone. Data only. */

import type { Problem } from '../support/problem.ts'
import type { YamlNode } from '../support/yaml-node.ts'

/** The routes of one object. They pick policies that the files define, and never define any. */
export interface RouteOffer {
  /** Unlike any other; the `file` of all places in it, and of all problems with it. */
  readonly source: string
  /** As they would stand in a policy file. */
  readonly routes: readonly YamlNode[]
  /** The same hosts and paths, open to nobody: what is served where anything in `routes` is wrong. */
  readonly closed: readonly YamlNode[]
}

/** A certificate that is shown for these hosts, and for no others that it may name. PEM. */
export interface CertificateOffer {
  readonly cert: string
  readonly key: string
  /** Canonical; `*.example.com` for one label. */
  readonly hosts: readonly string[]
}

/** Plain data, fit to be sent to another process. */
export interface Offers {
  /** The same routes and certificates have the same one. */
  readonly revision: string
  /** Of two that could both win, the earlier does. */
  readonly routes: readonly RouteOffer[]
  readonly certificates: readonly CertificateOffer[]
}

export interface RefusedOffer {
  /** What is wrong with it: all of it is closed. */
  readonly broken: readonly Problem[]
  /** Whose hosts and paths it does not get; the rest of it is served. */
  readonly taken: readonly Problem[]
}

/** By their source. Those that are not in it are served as they are. */
export type RefusedOffers = ReadonlyMap<string, RefusedOffer>
