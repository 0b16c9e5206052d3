/** `gatehouse demo`: the gateway on loopback with all it needs; this is `npm start`. */

import { fileURLToPath } from 'node:url'
import { InvalidArgumentError } from 'commander'
import { BadConfig, startGateway } from '../app.ts'
import { loadSnapshot } from '../config/load.ts'
import { type Announcement, announce } from '../demo/announce.ts'
import { type Demo, startDemo } from '../demo/demo.ts'
import { PortTakenError } from '../demo/port.ts'
import { mayOpen, urlOf, visitOf } from './demo-access.ts'
import type { AddCommand, Io } from './io.ts'
import { printProblems } from './print-problems.ts'

/** The policies that come with the program, wherever it is installed. */
const POLICIES = fileURLToPath(new URL('../../policies', import.meta.url))
const DEFAULT_PORT = 8080
/** The demo's config is whole: what the environment says of another gateway must not get in. */
const NO_ENV = {}

/** @param untilStopped resolves when the process has been asked to end */
export function createDemoCommand(untilStopped: () => Promise<unknown>): AddCommand {
  return (program, io, done) => {
    program
      .command('demo')
      .summary('run the gateway on loopback with all it needs')
      .description(
        'Runs a gateway at http://localhost:8080 with an identity provider, two sample apps and a store of its own.',
      )
      .option('--port <port>', 'port of the gateway', readPort, DEFAULT_PORT)
      .addHelpText('after', '\nCtrl-C ends everything. Exit code 2 when the port is taken.')
      .action(async ({ port }: { port: number }) => {
        done(await runDemo(port, untilStopped, io))
      })
  }
}

async function runDemo(
  port: number,
  untilStopped: () => Promise<unknown>,
  io: Io,
): Promise<number> {
  let adminUrl = ''
  // Listened for from the start: a Ctrl-C while it starts must not leave a part of it behind.
  const stopped = untilStopped()
  try {
    const demo = await startDemo({
      port,
      policies: POLICIES,
      startGateway: async ({ configFile, readFile }) => {
        const { now } = io
        const gateway = await startGateway({
          configFile,
          env: NO_ENV,
          now,
          overrides: { readFile },
        })
        adminUrl = `http://${gateway.adminAddress.host}:${gateway.adminAddress.port}`
        return gateway
      },
    })
    io.stdout(announce(await announcementOf(demo, adminUrl, io)))
    await stopped
    await demo.stop()
    return 0
  } catch (cause) {
    if (cause instanceof PortTakenError) {
      io.stderr(`${cause.message}\n`)
      return 2
    }
    if (cause instanceof BadConfig) {
      printProblems(cause.problems, io)
      return 2
    }
    throw cause
  }
}

/** The gateway loads the same files by itself; they are read once more here to say what is in them. */
async function announcementOf(demo: Demo, adminUrl: string, io: Io): Promise<Announcement> {
  const { configFile, readFile, publicUrl, issuer } = demo
  const { snapshot } = await loadSnapshot({ configFile, env: NO_ENV, now: io.now, readFile })
  const routes = [...(snapshot?.table.routes ?? [])].filter((route) => urlOf(route) !== undefined)
  const access = [...demo.people, undefined].map((person) => ({
    person,
    mayOpen: routes
      .filter((route) => mayOpen(route, person, visitOf(route, io.now())))
      .map((route) => route.name),
  }))
  const announced = routes.map((route) => ({
    name: route.name,
    description: route.description,
    url: urlOf(route) ?? '',
  }))
  return { publicUrl, issuer, adminUrl, routes: announced, access }
}

function readPort(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('a port is a number from 1 to 65535')
}
