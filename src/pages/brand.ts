/** Whose pages these are: name, colours, logo and contact, worked out once for each config that comes into force. */

import type { BrandConfig } from '../config/schema.ts'
import type { Logo } from '../config/snapshot.ts'

export interface Brand {
  readonly name: string
  /** `#rrggbb`. */
  readonly color: string
  /** Black or white, whichever reads better on `color`. */
  readonly onColor: string
  /** A `data:` URL, so that pages need no second request. */
  readonly logo: string | undefined
  /** Whom to ask: an e-mail address, a web address or plain words. */
  readonly contact: string | undefined
}

/** The part of a snapshot that the pages' look comes from. */
export interface BrandSource {
  readonly config: { readonly brand: BrandConfig }
  readonly logo: Logo | undefined
}

const DEFAULT_NAME = 'Gatehouse'
const DEFAULT_COLOR = '#2456c7'

const brands = new WeakMap<BrandSource, Brand>()

/** The brand of a snapshot; the same value each time. */
export function brandOf(snapshot: BrandSource): Brand {
  const known = brands.get(snapshot)
  if (known !== undefined) return known
  const brand = createBrand(snapshot.config.brand, snapshot.logo)
  brands.set(snapshot, brand)
  return brand
}

function createBrand(config: BrandConfig, logo: Logo | undefined): Brand {
  // The schema has seen to it; what would reach a stylesheet is looked at again.
  const color = /^#[0-9a-fA-F]{6}$/.test(config.color ?? '') ? config.color : undefined
  return {
    name: config.name ?? DEFAULT_NAME,
    color: color ?? DEFAULT_COLOR,
    onColor: readableOn(color ?? DEFAULT_COLOR),
    logo:
      logo === undefined
        ? undefined
        : `data:${logo.contentType};base64,${Buffer.from(logo.content).toString('base64')}`,
    contact: config.contact,
  }
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
