/**
 * Session data in few bytes: JSON, compressed with a dictionary of what most sessions say. A store of a million sessions
 * holds what these bytes come to. Knows nothing of what it compresses.
 */

import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** First byte of what is written now. JSON of an object, which was written before, begins with a brace. */
const DEFLATED = 1
/** What we read was written and sealed by ourselves; tokens and a thousand groups stay far below. */
const MAX_LENGTH = 16 * 1024 * 1024

/** `value` as JSON has it, in few bytes. */
export function compact(value: unknown): Buffer {
  const body = deflateRawSync(JSON.stringify(value), { dictionary: DICTIONARY })
  return Buffer.concat([Buffer.of(DEFLATED), body])
}

/** The value that `bytes` say. @throws where they were not made by `compact`, or by a version of it unknown here */
export function expand(bytes: Buffer): unknown {
  if (bytes[0] !== DEFLATED) return JSON.parse(bytes.toString())
  const body = bytes.subarray(1)
  const options = { dictionary: DICTIONARY, maxOutputLength: MAX_LENGTH }
  return JSON.parse(inflateRawSync(body, options).toString())
}

/**
 * INVARIANT: never changes, or what is stored cannot be read. A better one takes another first byte, and both are read.
 * Texts that sessions have in common, the most frequent ones last.
 */
const DICTIONARY = Buffer.from(
  [
    '"organization":"division":"department":"title":"employee_number":"phone_number":"phone_number_verified":',
    '"picture":"https://website":"https://address":{"formatted":"street_address":"locality":"region":"country":"}',
    '"zoneinfo":"America/New_York","America/Los_Angeles","Asia/Kolkata","Europe/London","Europe/Berlin","locale":"de_DE"en_US"en-US",',
    '"nickname":"middle_name":"profile":"birthdate":"gender":"updated_at":17"family_name":"given_name":"',
    '"https://login.microsoftonline.com/","https://accounts.google.com","hd":"tid":"oid":"upn":"unique_name":"ver":"2.0"',
    '"acr":"urn:okta:loa:2fa:any"urn:okta:loa:1fa:any","auth_time":17,"amr":["mfa","otp","swk","hwk","kba","sms","pwd"],',
    '"groups":[{"name":"}],"complete":true}{"list":[],"complete":true}{"idToken":"eyJ","accessToken":"eyJ","refreshToken":"',
    '"accessTokenExpiresAt":17"https://example.okta.com/oauth2/default","idp":"00o"jti":"ID.exp":17,"iat":17,"aud":"0oa",',
    '"iss":"https://.okta.com","ver":1,"sid":"idx","preferred_username":"email_verified":true,"email":"@example.com","name":"sub":"00u',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1',
    'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
    '{"version":1,"provider":"okta","method":"oidc","sub":"00u","email":"@example.com","name":"","claims":{"sub":"00u',
    '"},"acr":"amr":[],"authTime":17,"steppedUpAt":17,"sid":"signedInAt":17,"lastSeenAt":17,"expiresAt":17,"address":"userAgent":"',
  ].join(''),
)
