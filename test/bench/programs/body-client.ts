/** Clients for large bodies: each reads or sends one after the other, as fast as it goes. */

import { request } from 'node:http'
import { finished, Readable } from 'node:stream'

const [, , port, method, size, times, clients, headerText] = process.argv
if (headerText === undefined)
  throw new Error('usage: body-client.ts PORT METHOD SIZE TIMES CLIENTS HEADERS')

const length = Number(size)
const headers = JSON.parse(headerText) as Record<string, string>
const PIECE = Buffer.alloc(64 * 1024, 'x')

let left = Number(times)
await Promise.all(
  Array.from({ length: Number(clients) }, async () => {
    while (left-- > 0) await once()
  }),
)

function once(): Promise<void> {
  return new Promise((resolve, reject) => {
    const path = method === 'POST' ? '/upload' : `/bytes/${length}`
    const extra = method === 'POST' ? { 'Content-Length': String(length) } : {}
    const options = { host: '127.0.0.1', port, method, path, headers: { ...headers, ...extra } }
    const outgoing = request(options, (response) => {
      let count = 0
      let text = ''
      response.on('data', (chunk: Buffer) => {
        count += chunk.length
        if (method === 'POST') text += chunk.toString()
      })
      finished(response, (error) => {
        const arrived = method === 'POST' ? Number(text) : count
        if (error) reject(error)
        else if (response.statusCode !== 200 || arrived !== length)
          reject(new Error(`${response.statusCode}: ${arrived} of ${length} bytes`))
        else resolve()
      })
    })
    outgoing.on('error', reject)
    if (method === 'POST') Readable.from(pieces()).pipe(outgoing)
    else outgoing.end()
  })
}

function* pieces(): Generator<Buffer> {
  for (let left = length; left > 0; left -= PIECE.length) yield PIECE.subarray(0, left)
}
