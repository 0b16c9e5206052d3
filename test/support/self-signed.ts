/** Self-signed certificates for tests, made in the process: no tool of the system, no key in the repository. */

import { generateKeyPairSync, sign } from 'node:crypto'

export interface SelfSigned {
  /** PEM. */
  readonly cert: string
  /** PEM, PKCS #8. */
  readonly key: string
}

export interface SelfSignedOptions {
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** Of its key; default: `prime256v1`. */
  readonly curve?: string
  /** Signs in place of the certificate itself. @param name the first of its names */
  readonly issuer?: SelfSigned & { readonly name: string }
}

const DAY_MS = 86_400_000

/** A certificate for `names` (DNS names, IPv4 addresses or e-mail addresses) that signs itself with ECDSA (RFC 5280 §4.1). */
export function selfSigned(names: readonly string[], options: SelfSignedOptions = {}): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: options.curve ?? 'prime256v1',
  })
  const notBefore = options.notBefore ?? new Date(Date.now() - DAY_MS)
  const notAfter = options.notAfter ?? new Date(Date.now() + DAY_MS)
  const name = nameOf(names[0] ?? '')
  const algorithm = sequence(oid(ECDSA_WITH_SHA256))
  const toBeSigned = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.from(publicKey.export({ type: 'spki', format: 'der' }).subarray(-8))),
    algorithm,
    options.issuer === undefined ? name : nameOf(options.issuer.name),
    sequence(time(notBefore), time(notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        extension(BASIC_CONSTRAINTS, sequence(der(0x01, Buffer.from([0xff])))),
        extension(SUBJECT_ALT_NAME, sequence(...names.map(alternativeName))),
      ),
    ),
  )
  const signature = sign('sha256', toBeSigned, options.issuer?.key ?? privateKey)
  const whole = sequence(toBeSigned, algorithm, der(0x03, Buffer.from([0]), signature))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  }
}

function nameOf(text: string): Buffer {
  return sequence(set(sequence(oid(COMMON_NAME), der(0x0c, Buffer.from(text)))))
}

const COMMON_NAME = '550403'
const ECDSA_WITH_SHA256 = '2a8648ce3d040302'
const BASIC_CONSTRAINTS = '551d13'
const SUBJECT_ALT_NAME = '551d11'

/** One value in DER (X.690 §8.1): tag, length, content. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), content])
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, ...parts)
}

function set(...parts: readonly Uint8Array[]): Buffer {
  return der(0x31, ...parts)
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

/** Positive: a byte 1 goes before any that could be read as a sign. */
function integer(bytes: Buffer): Buffer {
  const first = bytes[0] ?? 0
  if (bytes.length === 1 && first < 0x80) return der(0x02, bytes)
  return der(0x02, Buffer.from([0x01]), bytes)
}

/** UTCTime up to 2049 (RFC 5280 §4.1.2.5.1). */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(2, 14)
  return der(0x17, Buffer.from(`${digits}Z`))
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), der(0x04, value))
}

function alternativeName(name: string): Buffer {
  if (/^[0-9.]+$/.test(name)) return der(0x87, Buffer.from(name.split('.').map(Number)))
  return der(name.includes('@') ? 0x81 : 0x82, Buffer.from(name))
}
