/** Which hosts are this machine itself, and so may be spoken to without TLS. */

import { isIP } from 'node:net'

/** @param host a canonical name or an address, IPv6 with or without brackets */
export function isLoopback(host: string): boolean {
  const name = host.startsWith('[') ? host.slice(1, -1) : host
  switch (isIP(name)) {
    case 4:
      return name.startsWith('127.')
    case 6:
      return name === '::1'
    default:
      // RFC 6761 §6.3: `localhost` and every name below it.
      return name === 'localhost' || name.endsWith('.localhost')
  }
}
