/** Class E: no address that somebody else wrote leads a browser away from the hosts that are served. */

import { hostileTargets } from '../../endpoints/redirect-targets.ts'
import { type Attack, attempt, type Judge } from '../attack.ts'
import { APP, HOST, type Target } from '../target.ts'

/** All single finds, which stand last, and a part of the combinations. */
export const ADDRESSES: readonly string[] = hostileTargets().filter(
  (_, n, all) => n % 8 === 0 || n > all.length - 60,
)

/** Bytes as somebody types them into a link, not tidied up by any library; without what no request line can hold. */
export function typed(address: string): string {
  return Buffer.from(address, 'utf8')
    .toString('latin1')
    .replace(/[\r\n]/g, '')
}

/** Where a browser goes that reads `location` at the app. */
export function originAfter(location: string | undefined): string {
  return location === undefined ? 'nowhere' : (URL.parse(location, APP)?.origin ?? 'nowhere')
}

const staysHere: Judge = ({ answer }, target) => {
  const locations = answer.headerLines.filter((line) => /^location:/i.test(line))
  if (locations.length > 1) return `${locations.length} Location headers`
  const location = answer.header('location')
  if (location === undefined) return refreshes(answer.body)
  const origin = originAfter(location)
  return isServed(target, origin) ? undefined : `it leads to ${location}`
}

const isServed = ({ leadsTo }: Target, origin: string) =>
  origin === 'nowhere' || leadsTo.has(origin)

/** A page leads away as well as a header. */
function refreshes(body: string): string | undefined {
  return /http-equiv="?refresh[^>]*evil|location(?:\.href)?\s*=\s*['"][^'"]*evil/i.exec(body)?.[0]
}

export const addresses: Attack = {
  id: 'E1 to E4, E6, E7',
  name: 'addresses to go back to, after a sign-in and a sign-out',
  inapplicable: ({ redirectors }) =>
    redirectors.length === 0 ? 'it takes no address to go back to' : undefined,
  attempts: ({ redirectors }) =>
    redirectors.flatMap(({ name, ask }) =>
      ADDRESSES.map((address) =>
        attempt(`${name}: ${address}`, () => ask(address), { judge: staysHere }),
      ),
    ),
}

export const pathsBack: Attack = {
  id: 'E1, E2',
  name: 'a path that looks like an address, by the redirect to a sign-in',
  attempts: () =>
    ADDRESSES.map((address) =>
      attempt(
        address,
        `GET /${typed(address)} HTTP/1.1\r\nHost: ${HOST}\r\nAccept: text/html\r\nConnection: close\r\n\r\n`,
        { judge: staysHere },
      ),
    ),
}

export const longAddress: Attack = {
  id: 'E5',
  name: 'an address of a hundred kilobytes',
  attempts: ({ redirectors }) =>
    redirectors.map(({ name, ask }) =>
      attempt(name, () => ask(`https://evil.example/${'a'.repeat(100_000)}`), {
        judge: staysHere,
      }),
    ),
}
