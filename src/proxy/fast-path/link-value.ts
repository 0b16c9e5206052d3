/** Links as a browser is told of them before the answer. RFC 8288 §3 */

const LINK = /^<[^<>\s]*>$/
const PARAMETER = /^[\w!#$%&'*+.^`|~-]+(?:=(?:[^\s";,]*|"[^"]*"))?$/

/** One link and its parameters; a value with `;` in quotes is not taken. */
export function isLink(value: string): boolean {
  const [target = '', ...parameters] = value.split(';').map((part) => part.trim())
  return LINK.test(target) && parameters.every((parameter) => PARAMETER.test(parameter))
}
