/** Class H, framing: bytes that are read in two ways must not become two requests. RFC 9112 §6 and §11 */

import { once } from 'node:events'
import { connect } from 'node:net'
import { type Attack, attempt, type Judge } from '../attack.ts'
import { HOST } from '../target.ts'

const GET = `GET /public/x HTTP/1.1\r\nHost: ${HOST}\r\n`
const POST = `POST /public/x HTTP/1.1\r\nHost: ${HOST}\r\n`
const SMUGGLED = `GET /public/smuggled HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`
const LAST = `GET /public/last HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`

/** Each is followed by a body and what may be a second request. */
const heads: Readonly<Record<string, string>> = {
  'length and chunks': `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`,
  'chunks and length': `${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n`,
  'two lengths': `${POST}Content-Length: 5\r\nContent-Length: 6\r\n`,
  'two equal lengths': `${POST}Content-Length: 5\r\nContent-Length: 5\r\n`,
  'a list of lengths': `${POST}Content-Length: 5, 5\r\n`,
  'a length with a sign': `${POST}Content-Length: +5\r\n`,
  'a negative length': `${POST}Content-Length: -1\r\n`,
  'a hexadecimal length': `${POST}Content-Length: 0x5\r\n`,
  'a length with a fraction': `${POST}Content-Length: 5.0\r\n`,
  'a length in two words': `${POST}Content-Length: 5 5\r\n`,
  'an empty length': `${POST}Content-Length: \r\n`,
  'a length past all numbers': `${POST}Content-Length: 18446744073709551621\r\n`,
  'a length behind a fold': `${POST}Content-Length:\r\n 5\r\n`,
  xchunked: `${POST}Transfer-Encoding: xchunked\r\n`,
  'chunked in quotes': `${POST}Transfer-Encoding: "chunked"\r\n`,
  'chunked with a parameter': `${POST}Transfer-Encoding: chunked;q=1\r\n`,
  'chunked with a vertical tab': `${POST}Transfer-Encoding: \x0bchunked\r\n`,
  'chunked with a NUL': `${POST}Transfer-Encoding: chunked\0\r\n`,
  'gzip and chunked': `${POST}Transfer-Encoding: gzip, chunked\r\n`,
  'chunked and identity': `${POST}Transfer-Encoding: chunked, identity\r\n`,
  'chunked twice': `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n`,
  'chunked and something else': `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n`,
  'chunked behind a fold': `${POST}Transfer-Encoding:\r\n chunked\r\n`,
  'chunked in HTTP/1.0': `POST /public/x HTTP/1.0\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n`,
}

/** The same. */
const lines: Readonly<Record<string, string>> = {
  'a space in front of the colon': `${POST}Transfer-Encoding : chunked\r\n`,
  'a tab in front of the colon': `${POST}Content-Length\t: 5\r\n`,
  'a space in front of the name': `${POST} Content-Length: 5\r\n`,
  'a name with a space': `${POST}Content Length: 5\r\n`,
  'a folded line': `${POST}X-A: b\r\n X-Forwarded-User: root\r\n`,
  'a line folded by a tab': `${POST}X-A: b\r\n\tc\r\n`,
  'a folded first line': `POST /public/x HTTP/1.1\r\n Host: ${HOST}\r\n`,
  'a bare line feed': `${POST}X-A: b\nX-Forwarded-User: root\r\n`,
  'bare line feeds only': `POST /public/x HTTP/1.1\nHost: ${HOST}\n\n`,
  'a bare carriage return': `${POST}X-A: b\rX-B: c\r\n`,
  'two carriage returns': `${POST}X-A: b\r\r\n`,
  'a NUL in a value': `${POST}X-A: b\0c\r\n`,
  'a control in a value': `${POST}X-A: b\x01c\r\n`,
  'a delete character in a value': `${POST}X-A: b\x7fc\r\n`,
  'a name that is none': `${POST}: b\r\n`,
  'a name in quotes': `${POST}"X-A": b\r\n`,
  'a name past ASCII': `${POST}X-\xc4: b\r\n`,
  'a line without a colon': `${POST}X-A\r\n`,
  'a version of another protocol': `POST /public/x HTCPCP/1.1\r\nHost: ${HOST}\r\n`,
  'a version with digits too many': `POST /public/x HTTP/1.10\r\nHost: ${HOST}\r\n`,
  'a space too many': `POST /public/ x HTTP/1.1\r\nHost: ${HOST}\r\n`,
  'a tab in the request line': `POST\t/public/x\tHTTP/1.1\r\nHost: ${HOST}\r\n`,
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
}

const chunks: Readonly<Record<string, string>> = {
  'a line feed alone behind the size': '5\nhello\r\n0\r\n\r\n',
  'a line feed alone behind the data': '5\r\nhello\n0\r\n\r\n',
  'a hexadecimal sign': '0x5\r\nhello\r\n0\r\n\r\n',
  'a plus sign': '+5\r\nhello\r\n0\r\n\r\n',
  'a size with a space': '5 \r\nhello\r\n0\r\n\r\n',
  'a size past all numbers': '10000000000000005\r\nhello\r\n0\r\n\r\n',
  'a negative size': '-1\r\nhello\r\n0\r\n\r\n',
  'data past its size': '5\r\nhello0\r\n\r\n',
  'an extension with a line feed': '5;a\nb\r\nhello\r\n0\r\n\r\n',
  'a trailer that frames': '5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n',
}

const closing = (request: string) => request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')

const asHead = ([name, head]: readonly [string, string]) =>
  attempt(name, `${head}\r\n0\r\n\r\n${closing(SMUGGLED)}`)

export const ambiguousLengths: Attack = {
  id: 'H1',
  name: 'heads that say two things of how long the body is',
  attempts: () => Object.entries(heads).map(asHead),
}

export const brokenLines: Attack = {
  id: 'H2',
  name: 'bare line ends, folded lines, spaces before colons',
  attempts: () => Object.entries(lines).map(asHead),
}

export const brokenChunks: Attack = {
  id: 'H1',
  name: 'chunked bodies that are not well formed',
  attempts: () =>
    Object.entries(chunks).map(([name, body]) =>
      attempt(name, `${POST}Transfer-Encoding: chunked\r\n\r\n${body}${closing(SMUGGLED)}`),
    ),
}

const bodyIs =
  (text: string): Judge =>
  ({ arrived }) =>
    arrived[0] === undefined || arrived[0].body === text
      ? undefined
      : `the body arrived as ${JSON.stringify(arrived[0].body)}`

const trailers =
  '5;X-Forwarded-User=root\r\nhello\r\n0\r\nX-Forwarded-User: root\r\nX-Trailer: 1\r\n\r\n'

const lengths: Readonly<Record<string, string>> = {
  'zeros in front': 'Content-Length: 005',
  'spaces around': 'Content-Length:   5  ',
  'a tab in front': 'Content-Length:\t5',
  capitals: 'CONTENT-LENGTH: 5',
}

export const extensionsAndTrailers: Attack = {
  id: 'H1',
  name: 'chunk extensions and trailers become no header',
  attempts: () => [
    attempt(
      'an identity in an extension and in a trailer',
      `${POST}Transfer-Encoding: chunked\r\nTrailer: X-Forwarded-User\r\n\r\n${trailers}${LAST}`,
      { judge: bodyIs('hello') },
    ),
  ],
}

export const oddLengths: Attack = {
  id: 'H1',
  name: 'a length in an unusual spelling is the same on both sides',
  attempts: () =>
    Object.entries(lengths).map(([name, line]) =>
      attempt(name, `${POST}${line}\r\n\r\nhello${closing(SMUGGLED)}`, {
        judge: bodyIs('hello'),
      }),
    ),
}

const smuggledIsNone: Judge = ({ arrived }) =>
  arrived.some(({ target }) => target.includes('smuggled'))
    ? 'the body of a request arrived as a request'
    : undefined

export const bodiesOfRefused: Attack = {
  id: 'H1',
  name: 'the body of a refused request is not read as a request',
  attempts: () => [
    ...['POST /admin', 'POST /a%2fb', 'PUT /x', 'POST /admin/x'].map((first) =>
      attempt(
        first,
        `${first} HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}${LAST}`,
        { judge: smuggledIsNone },
      ),
    ),
    attempt(
      'of a path of its own',
      (_cookie, { ownPath }) =>
        `PUT ${ownPath} HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}${LAST}`,
      { judge: smuggledIsNone },
    ),
  ],
}

const IN_A_ROW = 60

export const requestsInARow: Attack = {
  id: 'H8',
  name: 'requests in a row on one connection are answered in their order',
  attempts: () => [
    attempt(
      `${IN_A_ROW} of them`,
      `${Array.from({ length: IN_A_ROW }, (_, n) => `GET /public/${n} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`).join('')}${LAST}`,
      {
        judge: ({ arrived }) =>
          arrived.every(({ target }, n) => n === IN_A_ROW || target === `/public/${n}`)
            ? undefined
            : 'they arrived in another order',
      },
    ),
    attempt(
      'open and refused ones by turns',
      `GET /admin HTTP/1.1\r\nHost: ${HOST}\r\n\r\n${GET}\r\nGET /x HTTP/1.1\r\nHost: ${HOST}\r\n\r\n${LAST}`,
      {
        judge: ({ answer }) => {
          const classes = (answer.text.match(/HTTP\/1\.1 \d{3}/g) ?? []).map((line) => line.at(-3))
          const isInOrder = classes.every((first, n) => (first === '2') === (n % 2 === 1))
          return isInOrder ? undefined : `answered as ${classes}`
        },
      },
    ),
  ],
}

/** `Content-Length` of the first is more than comes. */
export const cutOff: Attack = {
  id: 'H8',
  name: 'a body that ends too soon is no part of the next request',
  attempts: () => [
    {
      name: 'half of it',
      run: async (target) => {
        const half = connect(target.port, '127.0.0.1')
        half.on('error', () => undefined)
        half.end(`${POST}Content-Length: 100\r\n\r\nhalf`)
        await once(half.resume(), 'close')
        const next = attempt('next', LAST, {
          judge: ({ arrived }) =>
            arrived.length === 1 && arrived[0]?.body === ''
              ? undefined
              : 'the next one arrived otherwise',
        })
        return next.run(target)
      },
    },
  ],
}
