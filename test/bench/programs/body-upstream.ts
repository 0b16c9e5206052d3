/** An upstream for large bodies: `/bytes/N` answers with N bytes, a POST is read to its end and counted. */

import { createServer } from 'node:http'
import { pipeline, Readable } from 'node:stream'

const [, , port] = process.argv
if (port === undefined) throw new Error('usage: body-upstream.ts PORT')

const PIECE = Buffer.alloc(64 * 1024, 'x')

const server = createServer((request, response) => {
  if (request.method === 'POST') {
    let count = 0
    request.on('data', (chunk: Buffer) => {
      count += chunk.length
    })
    request.on('end', () => response.end(String(count)))
    return
  }
  const length = Number(request.url?.split('/').at(-1))
  response.writeHead(200, { 'Content-Length': length })
  pipeline(Readable.from(pieces(length)), response, () => undefined)
})
server.listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'))

function* pieces(length: number): Generator<Buffer> {
  for (let left = length; left > 0; left -= PIECE.length) yield PIECE.subarray(0, left)
}
