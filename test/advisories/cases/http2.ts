/** Classes A, C and H over HTTP/2, by hand-made frames: what HTTP/1.1 refuses is not let in by the other door. */

import type { RawAnswer } from '../../support/raw-request.ts'
import {
  type Attack,
  type Attempt,
  type Judge,
  judged,
  nothingArrives,
  type Who,
} from '../attack.ts'
import { CLOSED_PATHS } from '../closed-paths.ts'
import {
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Field,
  frame,
  frames,
  HEADERS,
} from '../h2-frames.ts'
import { HOST, type Target } from '../target.ts'

const WHOLE = END_HEADERS | END_STREAM

export const get = (path: string, ...more: readonly Field[]): readonly Field[] => [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', path],
  [':authority', HOST],
  ...more,
]
export const post = (...more: readonly Field[]): readonly Field[] => [
  [':method', 'POST'],
  ...get('/public/x').slice(1),
  ...more,
]

const NO_ANSWER: RawAnswer = {
  text: '',
  status: 0,
  headerLines: [],
  header: () => undefined,
  body: '',
  answers: 0,
}

const whole = (fields: readonly Field[]) => [frame(HEADERS, WHOLE, 1, block(fields))]

/** One request, of one block of fields unless `framesOf` makes it otherwise. */
function byFields(
  name: string,
  fields: readonly Field[],
  judge: Judge,
  who: Who = 'nobody',
  framesOf: (fields: readonly Field[]) => readonly Buffer[] = whole,
): Attempt {
  return {
    name,
    run: async (target) => {
      const port = await target.http2Port?.()
      if (port === undefined) throw new Error(`${target.name} speaks no HTTP/2`)
      const cookie = who === 'nobody' ? '' : (await target.cookie(who)).slice('Cookie: '.length)
      const crumbs =
        cookie === '' ? [] : cookie.split('; ').map((crumb): Field => ['cookie', crumb])
      target.upstream.forget()
      const connection = frames(port)
      connection.send(...framesOf([...fields, ...crumbs]))
      const outcome = await connection.outcome(1)
      connection.socket.destroy()
      const status = typeof outcome === 'number' ? outcome : 0
      const sent = fields.map((field) => field.join(': ')).join('\n')
      const arrived = [...target.upstream.requests]
      return judged(target, who, { sent, answer: { ...NO_ANSWER, status }, arrived }, judge)
    },
  }
}

const speaksNone = ({ http2Port }: Target) =>
  http2Port === undefined ? 'it speaks no HTTP/2 here' : undefined

export const closedPathsOverHttp2: Attack = {
  id: 'C12',
  name: 'closed paths over HTTP/2',
  inapplicable: speaksNone,
  attempts: () =>
    CLOSED_PATHS.flatMap((path) => [
      byFields(`${path} by nobody`, get(path), () => undefined),
      byFields(`${path} by dora`, get(path), () => undefined, 'dora'),
    ]),
}

/** RFC 9113 §8.2 and §8.3: malformed, whole. */
const malformed: Readonly<Record<string, readonly Field[]>> = {
  'capitals in a name': get('/public/x', ['X-Forwarded-User', 'root']),
  'a line end in the path': get('/public/x HTTP/1.1\r\nX-A: b'),
  'a space in the path': get('/public/x y'),
  'a line end in the method': [
    [':method', 'GET / HTTP/1.1\r\nX-A: b'],
    ...get('/public/x').slice(1),
  ],
  'a line end in the authority': [
    ...get('/public/x').slice(0, 3),
    [':authority', `${HOST}\r\nX-A: b`],
  ],
  'transfer-encoding': post(['transfer-encoding', 'chunked']),
  connection: get('/public/x', ['connection', 'x-forwarded-user']),
  'keep-alive': get('/public/x', ['keep-alive', 'timeout=1']),
  'proxy-connection': get('/public/x', ['proxy-connection', 'close']),
  upgrade: get('/public/x', ['upgrade', 'websocket']),
  'te other than trailers': get('/public/x', ['te', 'gzip']),
  'two paths': get('/public/x', [':path', '/admin']),
  'two authorities': get('/public/x', [':authority', 'evil.example']),
  'an authority behind a field': [
    ...get('/public/x').slice(0, 3),
    ['x-a', 'b'],
    [':authority', HOST],
  ],
  'a pseudo-field that is none': get('/public/x', [':forwarded-user', 'root']),
  'a status': get('/public/x', [':status', '200']),
  'a protocol': [[':method', 'CONNECT'], ...get('/public/x').slice(1), [':protocol', 'x']],
  'no method': get('/public/x').slice(1),
  'no path': [...get('/public/x').slice(0, 2), [':authority', HOST]],
  'no scheme': get('/public/x').filter(([name]) => name !== ':scheme'),
  'two hosts': get('/public/x', ['host', HOST], ['host', HOST]),
  'another host': get('/public/x', ['host', 'evil.example']),
  'two lengths': post(['content-length', '1'], ['content-length', '1']),
  'a length that is none': post(['content-length', '1, 1']),
  'a length without a body': post(['content-length', '5']),
}

export const malformedFields: Attack = {
  id: 'H3',
  name: 'fields that would frame or name an HTTP/1.1 request otherwise',
  inapplicable: speaksNone,
  attempts: () =>
    Object.entries(malformed).map(([name, fields]) => byFields(name, fields, nothingArrives)),
}

/** Fields that some stacks leave out of a request that they let through. */
const leftOut: Readonly<Record<string, readonly Field[]>> = {
  'a line end in a value': get('/public/x', ['x-a', 'b\r\nx-forwarded-user: root']),
  'a line feed in a value': get('/public/x', ['x-a', 'b\nx-forwarded-user: root']),
  'a NUL in a value': get('/public/x', ['x-a', 'b\0c']),
  'a line end in a name': get('/public/x', ['x-a: b\r\nx-b', 'c']),
  'a colon in a name': get('/public/x', ['x-a:b', 'c']),
  'a space in a name': get('/public/x', ['x-forwarded-user ', 'root']),
  'an empty name': get('/public/x', ['', 'c']),
}

const goesNoFurther: Judge = ({ arrived: [first] }) => {
  const found = first === undefined ? undefined : /.*(root|x-a|: [bc]$).*/im.exec(first.head)?.[0]
  return found === undefined ? undefined : `\`${JSON.stringify(found).slice(1, -1)}\` arrived`
}

export const controlsInFields: Attack = {
  id: 'H3',
  name: 'line ends, NUL, colons and spaces in fields',
  inapplicable: speaksNone,
  attempts: () =>
    Object.entries(leftOut).map(([name, fields]) => byFields(name, fields, goesNoFurther)),
}

export const identityOverHttp2: Attack = {
  id: 'A1, A2, A4, A11',
  name: 'identity headers of the client over HTTP/2',
  inapplicable: speaksNone,
  attempts: (target) =>
    [...Object.keys(target.identity), ...target.reserved].map((name) =>
      byFields(
        name,
        get('/admin', [name.toLowerCase(), 'root'], [name.toLowerCase(), 'root']),
        () => undefined,
        'ada',
      ),
    ),
}

export const trailersOverHttp2: Attack = {
  id: 'A1, A3',
  name: 'identity, and what frames a request, in trailers over HTTP/2',
  inapplicable: speaksNone,
  attempts: (target) =>
    [...Object.keys(target.identity), ...target.reserved, 'Content-Length', 'Host'].flatMap(
      (name) =>
        [name.toLowerCase(), name.toLowerCase().replaceAll('-', '_')].map((spelling) =>
          byFields(
            spelling,
            post(['trailer', spelling]),
            () => undefined,
            'nobody',
            (fields) => [
              frame(HEADERS, END_HEADERS, 1, block(fields)),
              frame(DATA, 0, 1, Buffer.from('hello')),
              frame(HEADERS, WHOLE, 1, block([[spelling, 'root']])),
            ],
          ),
        ),
    ),
}
