/**
 * What a provider's errors mean for the person. Details are for the log: no token, code, secret or text of
 * an answer's body gets into them, and no error of a library is attached, since those carry whole answers.
 */

import { ProviderFailure, type ProviderFailureKind } from './provider.ts'

/** Codes that the provider sends the browser back with (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6). */
const CALLBACK_ERRORS: Readonly<Record<string, ProviderFailureKind>> = {
  access_denied: 'denied',
  // OpenID Connect Core Error Code unmet_authentication_requirements 1.0
  unmet_authentication_requirements: 'unmet',
  temporarily_unavailable: 'unavailable',
  server_error: 'unavailable',
  login_required: 'restart',
  interaction_required: 'restart',
  account_selection_required: 'restart',
  consent_required: 'restart',
  invalid_scope: 'misconfigured',
  unauthorized_client: 'misconfigured',
  unsupported_response_type: 'misconfigured',
  invalid_request: 'misconfigured',
  invalid_request_uri: 'misconfigured',
  invalid_request_object: 'misconfigured',
  request_not_supported: 'misconfigured',
  request_uri_not_supported: 'misconfigured',
}

/** Codes of the token endpoint (RFC 6749 §5.2) that are not about our own credentials or settings. */
const TOKEN_ERRORS: Readonly<Record<string, ProviderFailureKind>> = {
  invalid_grant: 'restart',
  login_required: 'restart',
  interaction_required: 'restart',
  consent_required: 'restart',
  access_denied: 'denied',
  unmet_authentication_requirements: 'unmet',
  temporarily_unavailable: 'unavailable',
  server_error: 'unavailable',
  slow_down: 'unavailable',
}

const MAX_TEXT_LENGTH = 200
/** Providers repeat in their errors what they were sent: codes and tokens are long, and words with a digit are not. */
const SECRET_LIKE = /(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{20,}/g

/** For `error` in a callback. A code that is not known is a refusal: it leads neither into a loop nor in. */
export function callbackFailure(error: string, description: string | null): ProviderFailure {
  const kind = own(CALLBACK_ERRORS, error) ?? 'denied'
  return new ProviderFailure(kind, `the provider answered ${quoted(error, description)}`)
}

/** For whatever was thrown while the code was redeemed or the provider was asked for something else. */
export function failureOf(thrown: unknown, doing: string): ProviderFailure {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof ProviderFailure) return error
  }
  const code = textProperty(thrown, 'code')
  switch (code) {
    case 'OAUTH_RESPONSE_BODY_ERROR': {
      const error = textProperty(thrown, 'error') ?? ''
      const description = textProperty(thrown, 'error_description') ?? null
      const kind = own(TOKEN_ERRORS, error) ?? 'misconfigured'
      return new ProviderFailure(
        kind,
        `${doing}: the provider answered ${quoted(error, description)}`,
      )
    }
    case 'OAUTH_WWW_AUTHENTICATE_CHALLENGE':
      return new ProviderFailure(
        'misconfigured',
        `${doing}: the provider does not accept our credentials`,
      )
    case 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED':
      return new ProviderFailure(
        'invalid-answer',
        `${doing}: ${explain(thrown)}; compare the clocks`,
      )
    default:
      return new ProviderFailure('invalid-answer', `${doing}: ${explain(thrown)}`)
  }
}

/** Someone else's text for our log: one line, printable, short. */
export function cleaned(text: string, maxLength = MAX_TEXT_LENGTH): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be removed
  const oneLine = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029`]+/g, ' ')
  const printable = oneLine.replace(SECRET_LIKE, '[...]')
  return printable.length > maxLength ? `${printable.slice(0, maxLength)}...` : printable
}

/** Only advice for the log hangs on a provider's words, never what is done. */
function quoted(error: string, description: string | null): string {
  if (description === null) return `\`${cleaned(error)}\``
  const hint = /group/i.test(description) ? GROUPS_HINT : ''
  return `\`${cleaned(error)}\`: \`${cleaned(description)}\`${hint}`
}

const GROUPS_HINT =
  '; Okta puts at most 100 groups into a claim: narrow its filter, or have groups looked up by `directory`'

/** Messages of the protocol libraries. Those of JSON and network errors quote what they failed on, so they stay out. */
function explain(thrown: unknown): string {
  const messages: string[] = []
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof SyntaxError) break
    messages.push(error.message + comparison(error) + unexpectedAnswer(error))
  }
  return cleaned(messages.join(': '), 2 * MAX_TEXT_LENGTH) || 'unknown error'
}

/** Issuer and audience are no secrets, and seeing both values is what mends a wrong setting. */
function comparison({ cause }: Error): string {
  if (typeof cause !== 'object' || cause === null || !('expected' in cause)) return ''
  const [name, holder] =
    'claims' in cause ? ['claim', cause.claims] : ['attribute', 'body' in cause ? cause.body : {}]
  const compared = textProperty(cause, name)
  if (compared !== 'iss' && compared !== 'aud' && compared !== 'issuer') return ''
  const received =
    typeof holder === 'object' && holder !== null && compared in holder
      ? JSON.stringify((holder as Record<string, unknown>)[compared])
      : 'none'
  return ` (expected ${JSON.stringify(cause.expected)}, received ${received})`
}

/** Where and what the provider answered; never the body. */
function unexpectedAnswer({ cause }: Error): string {
  return cause instanceof Response ? ` (${cause.status} from ${cause.url})` : ''
}

function textProperty(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const property = (value as Record<string, unknown>)[name]
  return typeof property === 'string' ? property : undefined
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}
