/** Class H, upgrades: a way that was opened for one request carries no other one past the policies. */

import { once } from 'node:events'
import { connect } from 'node:net'
import type { RawAnswer } from '../../support/raw-request.ts'
import { type Attack, type Attempt, attempt, judged } from '../attack.ts'
import { HOST, type Target } from '../target.ts'
import { UPGRADE } from './paths.ts'

const CLOSED = `GET /admin HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`
const PATIENCE_MS = 700

const asking = (headers: string) => `GET /public/ws HTTP/1.1\r\nHost: ${HOST}\r\n${headers}\r\n`

/** The app answers 200 to all of them: it has taken none. */
const upgrades: Readonly<Record<string, string>> = {
  'to WebSocket': UPGRADE,
  'to WebSocket of another version': UPGRADE.replace('13', '99'),
  'to WebSocket without a key': UPGRADE.replace(/Sec-WebSocket-Key.*\r\n/, ''),
  'to h2c':
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n',
  'to h2c, unannounced': 'Connection: Upgrade\r\nUpgrade: h2c\r\n',
  'to WebSocket and h2c': UPGRADE.replace('websocket', 'websocket, h2c'),
  'to TLS': 'Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n',
  'to what nobody knows': 'Connection: Upgrade\r\nUpgrade: x\r\n',
}

/** The second request goes out at once, or when there is an answer to the first; whoever opens a tunnel may keep it open. */
function behind(name: string, headers: string, when: 'at once' | 'after its answer'): Attempt {
  return {
    name: `${when}, behind one ${name}`,
    run: async (target: Target) => {
      target.upstream.forget()
      const socket = connect(target.port, '127.0.0.1')
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1')
      })
      socket.on('error', () => undefined)
      const ended = once(socket, 'close')
      socket.write(asking(headers) + (when === 'at once' ? CLOSED : ''))
      if (when !== 'at once') {
        await Promise.race([once(socket, 'data'), ended, waited()])
        socket.write(CLOSED)
      }
      await Promise.race([ended, waited()])
      socket.destroy()
      const answer = { ...NO_ANSWER, text, status: Number(/ (\d{3}) /.exec(text)?.[1] ?? 0) }
      const arrived = [...target.upstream.requests]
      return judged(target, 'nobody', { sent: asking(headers) + CLOSED, answer, arrived })
    },
  }
}

/** Nothing tells that a request will never arrive. */
const waited = () => new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))

const NO_ANSWER: RawAnswer = {
  text: '',
  status: 0,
  headerLines: [],
  header: () => undefined,
  body: '',
  answers: 0,
}

export const behindUpgrades: Attack = {
  id: 'H1',
  name: 'requests behind an upgrade that the app does not take are judged as any',
  attempts: () =>
    Object.entries(upgrades).flatMap(([name, headers]) => [
      behind(name, headers, 'at once'),
      behind(name, headers, 'after its answer'),
    ]),
}

export const upgradesWithBodies: Attack = {
  id: 'H1',
  name: 'an upgrade with a body is no way for the request within',
  attempts: () => [
    attempt(
      'by length',
      `${asking(`${UPGRADE}Content-Length: ${CLOSED.length}\r\n`)}${CLOSED}${CLOSED}`,
    ),
    attempt(
      'in chunks',
      `${asking(`${UPGRADE}Transfer-Encoding: chunked\r\n`)}${CLOSED.length.toString(16)}\r\n${CLOSED}\r\n0\r\n\r\n${CLOSED}`,
    ),
  ],
}
