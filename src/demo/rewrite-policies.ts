/** Policies as they lie in the folder, read with the demo's own port and with the sample apps' addresses for their names. */

import { readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'

export interface Rewriting {
  /** The folder whose `*.yaml` files are meant; absolute. */
  readonly folder: string
  /** In place of 8080 in each `from`. */
  readonly port: number
  /** Origins as policies name them, such as `http://hello-app.internal:3000`, and where they are. */
  readonly upstreams: ReadonlyMap<string, string>
}

/** The port that policies are written for. */
const WRITTEN_PORT = '8080'

/** `from` in block or flow style, its scheme and host, and the port that is to be replaced. */
const FROM_WITH_PORT = new RegExp(
  String.raw`(\bfrom:\s*["']?https?://[^\s"',}\]/:]+):${WRITTEN_PORT}\b`,
  'g',
)

/** The text that a policy file means here. Lines stay lines, so that messages name the ones in the file. */
export function rewritePolicy(text: string, { port, upstreams }: Rewriting): string {
  let rewritten = text.replace(FROM_WITH_PORT, `$1:${port}`)
  for (const [name, address] of upstreams) {
    rewritten = rewritten.replaceAll(new RegExp(`${literal(name)}(?![\\w.:-])`, 'g'), address)
  }
  return rewritten
}

/** A pattern for exactly `text`. */
function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/**
 * Reads any file, and policy files rewritten. Nothing is copied: the files in the folder are the ones that are served,
 * and an edit of them is live.
 */
export function createPolicyReader(rewriting: Rewriting): (path: string) => Promise<Buffer> {
  const inside = join(rewriting.folder, sep)
  return async (path) => {
    const content = await readFile(path)
    if (!path.startsWith(inside) || !path.endsWith('.yaml')) return content
    return Buffer.from(rewritePolicy(content.toString('utf8'), rewriting))
  }
}
