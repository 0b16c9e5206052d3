/** Prefixes of paths, by segment: the longest one that takes a path, in time that depends on the path alone. */

/** INVARIANT: a node stands for the segments on the way to it. */
export interface PrefixTree<R> {
  children: Map<string, PrefixTree<R>> | undefined
  /** Takes this path and all below it: prefix `/adm`. */
  here: R | undefined
  /** Takes what goes on with a slash: prefix `/adm/`, and at the top `/`. */
  below: R | undefined
}

/** A tree without prefixes. */
export function newPrefixTree<R>(): PrefixTree<R> {
  return { children: undefined, here: undefined, below: undefined }
}

/** Adds `prefix`, which begins with `/`. Where it is taken already, nothing changes and who has it is returned. */
export function insertPrefix<R>(tree: PrefixTree<R>, prefix: string, route: R): R | undefined {
  const segments = prefix.split('/').slice(1)
  const withSlash = segments.at(-1) === ''
  if (withSlash) segments.pop()
  let node = tree
  for (const segment of segments) {
    node.children ??= new Map()
    let child = node.children.get(segment)
    if (child === undefined) {
      child = newPrefixTree()
      node.children.set(segment, child)
    }
    node = child
  }
  const rival = withSlash ? node.below : node.here
  if (rival !== undefined) return rival
  if (withSlash) node.below = route
  else node.here = route
  return undefined
}

/** Whoever has the longest prefix of `path`, which begins with `/`. */
export function findLongest<R>(tree: PrefixTree<R>, path: string): R | undefined {
  let best = tree.below
  let node = tree
  let start = 1
  while (node.children !== undefined) {
    const slash = path.indexOf('/', start)
    const child = node.children.get(slash === -1 ? path.slice(start) : path.slice(start, slash))
    if (child === undefined) return best
    best = child.here ?? best
    if (slash === -1) return best
    best = child.below ?? best
    node = child
    start = slash + 1
  }
  return best
}
