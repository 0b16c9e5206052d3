/** Header names as apps may read them. */

/** RFC 9110 §5.1. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

export function isHeaderName(text: string): boolean {
  return TOKEN.test(text)
}

/**
 * One spelling for all that an app may take for the same name: CGI, WSGI and PHP read `_` for `-`, some servers read any
 * character so that is neither letter nor digit.
 */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-')
}
