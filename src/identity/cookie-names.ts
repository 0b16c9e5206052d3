/** The names of our cookies, which both sides of the gateway must agree on. */

const SESSION = { http: 'gatehouse', https: '__Host-gatehouse' } as const
const SIGN_IN = { http: 'gatehouse-signin', https: '__Host-gatehouse-signin' } as const

/**
 * The cookie that opens a session. `__Host-` makes browsers refuse it with a domain or without Secure (RFC 6265bis §4.1.3).
 * @param secure whether browsers reach the host by https
 */
export function sessionCookieName(secure: boolean): string {
  return secure ? SESSION.https : SESSION.http
}

/** The cookie that binds sign-ins to a browser; those of single tabs are called NAME-TAG. */
export function signInCookieName(secure: boolean): string {
  return secure ? SIGN_IN.https : SIGN_IN.http
}
