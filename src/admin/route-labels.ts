/** Which routes are named in metrics: a fixed number of them, so that a scrape costs the same however many routes there are. */

/** Each costs up to forty lines of `/metrics`. */
const MAX_ROUTES = 100
/** Of all names together, since each stands in all lines of its route: so a scrape stays below a megabyte. */
const MAX_NAME_BYTES = 12 * 1024

/** The label of a request for which no route was found. */
export const NO_ROUTE = 'none'
/** The label that all routes share which have none of their own. */
export const OTHER_ROUTES = 'other'

export type RouteLabels = ReadonlySet<string>

export interface NamedRoute {
  readonly name: string
}

/**
 * The first routes of the files by name, then those that are offered from elsewhere, the oldest first: whoever may offer
 * routes takes no name from others. Not the busiest: all workers, and every reload, must come to the same answer, or a
 * series would hold a part of what it is named after.
 * @param fileRoutes how many of `routes`, from the first, are of the files; default: all
 */
export function routeLabels(
  routes: readonly NamedRoute[],
  fileRoutes: number = routes.length,
): RouteLabels {
  const labels = new Set([NO_ROUTE, OTHER_ROUTES])
  const most = MAX_ROUTES + labels.size
  let bytes = 0
  const names = routes.map((route) => route.name)
  const ordered = [...names.slice(0, fileRoutes).sort(), ...names.slice(fileRoutes)]
  for (const name of new Set(ordered)) {
    if (labels.size === most) break
    const size = Buffer.byteLength(name)
    if (bytes + size > MAX_NAME_BYTES) continue
    bytes += size
    labels.add(name)
  }
  return labels
}

/** Takes from `byLabel` what `labels` does not have any more. */
export function keepOnly(byLabel: Map<string, unknown>, labels: RouteLabels): void {
  for (const label of byLabel.keys()) if (!labels.has(label)) byLabel.delete(label)
}
