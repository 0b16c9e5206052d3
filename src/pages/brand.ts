/** Whose pages these are: name, colours, logo and contact, checked once when a config is taken into force. */

import { readFileSync } from 'node:fs'
import type { BrandConfig } from '../config/schema.ts'

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

const DEFAULT_NAME = 'Gatehouse'
const DEFAULT_COLOR = '#2456c7'
/** The logo travels with every page. */
const MAX_LOGO_BYTES = 256 * 1024

/**
 * Reads the logo and works out the colours.
 * @throws Error with a text that names `brand.logo` when the file cannot be read, is too large or is no picture
 */
export function loadBrand(config: BrandConfig): Brand {
  const color = /^#[0-9a-fA-F]{6}$/.test(config.color ?? '') ? config.color : undefined
  return {
    name: config.name ?? DEFAULT_NAME,
    color: color ?? DEFAULT_COLOR,
    onColor: readableOn(color ?? DEFAULT_COLOR),
    logo: config.logo === undefined ? undefined : readLogo(config.logo),
    contact: config.contact,
  }
}

function readLogo(path: string): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new Error(`brand.logo: cannot read \`${path}\``, { cause })
  }
  if (bytes.length > MAX_LOGO_BYTES) {
    throw new Error(`brand.logo: \`${path}\` is larger than 256 KiB`)
  }
  const type = pictureType(bytes)
  if (type === undefined) {
    throw new Error(`brand.logo: \`${path}\` is no SVG, PNG, JPEG or WebP picture`)
  }
  return `data:${type};base64,${bytes.toString('base64')}`
}

function pictureType(bytes: Buffer): string | undefined {
  if (bytes.subarray(0, 8).toString('latin1') === '\x89PNG\r\n\x1a\n') return 'image/png'
  if (bytes.subarray(0, 3).toString('latin1') === '\xff\xd8\xff') return 'image/jpeg'
  if (bytes.subarray(0, 4).toString('latin1') === 'RIFF') return 'image/webp'
  if (/<svg[\s>]/.test(bytes.subarray(0, 4096).toString('utf8'))) return 'image/svg+xml'
  return undefined
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
