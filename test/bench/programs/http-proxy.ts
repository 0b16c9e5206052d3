/** What Gatehouse is measured against: @fastify/http-proxy as its documentation sets it up, and nothing else. */

import fastifyHttpProxy from '@fastify/http-proxy'
import Fastify from 'fastify'

const [, , port, upstream] = process.argv
if (port === undefined || upstream === undefined)
  throw new Error('usage: http-proxy.ts PORT UPSTREAM')

const fastify = Fastify({ logger: false })
fastify.register(fastifyHttpProxy, { upstream })
await fastify.listen({ host: '127.0.0.1', port: Number(port) })
process.stdout.write('ready\n')
