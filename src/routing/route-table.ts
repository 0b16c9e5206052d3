/** All routes, compiled so that finding one costs the same however many there are. */

import type { RE2JS } from 're2js'

export type HostMatch =
  | { readonly kind: 'exact'; readonly name: string }
  /** `*.example.com`: `suffix` is `example.com`; exactly one label stands before it. */
  | { readonly kind: 'wildcard'; readonly suffix: string }

export type PathMatch =
  /** By segment: `/adm` takes `/adm` and `/adm/x`, never `/admin`. */
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: 'path'; readonly path: string }
  /** RE2 over the whole decoded path. */
  | { readonly kind: 'regex'; readonly regex: RE2JS; readonly source: string }

export interface RouteMatch {
  readonly host: HostMatch
  readonly path: PathMatch
}
