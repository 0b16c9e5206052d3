/** What is said of keys of other proxies that have no counterpart here: the advice that both imports give, and how it is found. */

export const COOKIE_ATTRIBUTES = 'cookies are host-only, `__Host-`, HttpOnly and Lax here'
export const BRAND = 'write `brand: { name, logo, color, contact }`'
export const FIXED_REQUESTS =
  'requests to the provider are fixed; ask for stronger sign-ins by `acr` in policies'

/** What to do about a key: the advice for its name, else for the beginning of its name. */
export interface Advice {
  readonly byName: ReadonlyMap<string, string>
  readonly byPrefix: readonly (readonly [prefix: string, advice: string])[]
}

/** What to do about the key of this name, in lower case. */
export function adviceIn({ byName, byPrefix }: Advice, name: string): string {
  return (
    byName.get(name) ??
    byPrefix.find(([prefix]) => name.startsWith(prefix))?.[1] ??
    'is not known to this import; see whether you need it'
  )
}
