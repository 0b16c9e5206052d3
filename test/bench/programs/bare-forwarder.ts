/** What Gatehouse is measured against: Fastify and undici `dispatch` that forward everything and do nothing else. */

import Fastify from 'fastify'
import { type Dispatcher, Pool } from 'undici'

const [, , port, upstream] = process.argv
if (port === undefined || upstream === undefined)
  throw new Error('usage: bare-forwarder.ts PORT UPSTREAM')

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding'])
const pool = new Pool(upstream, { pipelining: 1 })
const fastify = Fastify({ logger: false })

fastify.all('/*', (request, reply) => {
  reply.hijack()
  const response = reply.raw
  const headers: string[] = []
  const { rawHeaders } = request.raw
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!HOP_BY_HOP.has((rawHeaders[i] as string).toLowerCase())) {
      headers.push(rawHeaders[i] as string, rawHeaders[i + 1] as string)
    }
  }
  const handler: Dispatcher.DispatchHandler = {
    onConnect: () => undefined,
    onHeaders: (status, raw, resume) => {
      const answer: string[] = []
      for (let i = 0; i < raw.length; i += 2) {
        const name = (raw[i] as Buffer).toString('latin1')
        if (!HOP_BY_HOP.has(name.toLowerCase()))
          answer.push(name, (raw[i + 1] as Buffer).toString('latin1'))
      }
      response.writeHead(status, answer)
      response.on('drain', resume)
      return true
    },
    onData: (chunk) => response.write(chunk),
    onComplete: () => {
      response.end()
    },
    onError: () => {
      response.destroy()
    },
  }
  pool.dispatch({ path: request.raw.url ?? '/', method: 'GET', headers, body: null }, handler)
})

await fastify.listen({ host: '127.0.0.1', port: Number(port) })
process.stdout.write('ready\n')
