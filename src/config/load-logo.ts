/** The logo of `brand`, read at load: pages are made without touching a file. */

import type { Findings } from './findings.ts'
import { type InputFiles, whyUnreadable } from './input-files.ts'
import type { BrandConfig } from './schema.ts'

export interface Logo {
  readonly contentType: 'image/svg+xml' | 'image/png'
  readonly content: Uint8Array
}

/** Pages carry it on each visit. */
const MAX_BYTES = 256 * 1024
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const PATH = ['brand', 'logo']

/** The logo, or `undefined` where there is none or an error was found. */
export async function loadLogo(
  brand: BrandConfig,
  files: InputFiles,
  findings: Findings,
): Promise<Logo | undefined> {
  if (brand.logo === undefined) return undefined
  let content: Buffer
  try {
    content = await files.read(brand.logo)
  } catch (cause) {
    findings.error(PATH, `cannot read \`logo\`: ${whyUnreadable(cause)}`)
    return undefined
  }
  if (content.length > MAX_BYTES) {
    findings.error(PATH, `\`logo\` must be smaller than ${MAX_BYTES / 1024} KiB`)
    return undefined
  }
  if (content.subarray(0, PNG.length).equals(PNG)) return { contentType: 'image/png', content }
  if (/<svg[\s>]/.test(content.toString('utf8'))) return { contentType: 'image/svg+xml', content }
  findings.error(PATH, '`logo` must be an SVG or PNG file')
  return undefined
}
