/** Whose pages these are: name, colours, logo and contact, worked out once for each config that comes into force. */

import { createHash } from 'node:crypto'
import type { BrandConfig } from '../config/schema.ts'
import type { Logo } from '../config/snapshot.ts'

export interface Brand {
  readonly name: string
  /** `#rrggbb`. */
  readonly color: string
  /** Black or white, whichever reads better on `color`. */
  readonly onColor: string
  /** A `data:` URL, so that pages need no second request; of a large one its address on `public_url`. */
  readonly logo: string | undefined
  /** Where the logo is loaded from, where it is not a part of the page. */
  readonly logoOrigin: string | undefined
  /** Whom to ask: an e-mail address, a web address or plain words. */
  readonly contact: string | undefined
}

/** The part of a snapshot that the pages' look comes from. */
export interface BrandSource {
  readonly config: {
    readonly brand: BrandConfig
    readonly server: { readonly public_url: string }
  }
  readonly logo: Logo | undefined
}

const DEFAULT_NAME = 'Gatehouse'
const DEFAULT_COLOR = '#2456c7'

/** On `public_url`. */
export const LOGO_PATH = '/.gatehouse/logo'
/** Pages stay below 30 KB with it. */
const MAX_INLINE_BYTES = 3 * 1024

const brands = new WeakMap<BrandSource, Brand>()

/** The brand of a snapshot; the same value each time. */
export function brandOf(snapshot: BrandSource): Brand {
  const known = brands.get(snapshot)
  if (known !== undefined) return known
  const brand = createBrand(snapshot.config.brand, logoOf(snapshot))
  brands.set(snapshot, brand)
  return brand
}

function createBrand(config: BrandConfig, logo: Pick<Brand, 'logo' | 'logoOrigin'>): Brand {
  // The schema has seen to it; what would reach a stylesheet is looked at again.
  const color = /^#[0-9a-fA-F]{6}$/.test(config.color ?? '') ? config.color : undefined
  return {
    name: config.name ?? DEFAULT_NAME,
    color: color ?? DEFAULT_COLOR,
    onColor: readableOn(color ?? DEFAULT_COLOR),
    ...logo,
    contact: config.contact,
  }
}

function logoOf({ logo, config }: BrandSource): Pick<Brand, 'logo' | 'logoOrigin'> {
  if (logo === undefined) return { logo: undefined, logoOrigin: undefined }
  const { contentType, content } = logo
  if (content.length <= MAX_INLINE_BYTES) {
    const base64 = Buffer.from(content).toString('base64')
    return { logo: `data:${contentType};base64,${base64}`, logoOrigin: undefined }
  }
  const { origin } = new URL(config.server.public_url)
  // Another logo has another address, so that browsers may keep it.
  const version = createHash('sha256').update(content).digest('base64url').slice(0, 12)
  return { logo: `${origin}${LOGO_PATH}?v=${version}`, logoOrigin: origin }
}

/** WCAG 2.2, relative luminance: white text where it has the better contrast. */
function readableOn(color: string): string {
  const channel = (at: number) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  const luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? '#ffffff' : '#000000'
}
