/** Where `npm run test:helm` finds Helm, and how it gets one where Go is. */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { findCommand } from './test-tools.mjs'

const VERSION = 'v3.19.0'
const PACKAGE = `helm.sh/helm/v3/cmd/helm@${VERSION}`

/** Outside the project, so that a fresh checkout need not build it again. */
function cacheFolder() {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return join(cache, 'gatehouse', `helm-${VERSION}`)
}

/** The full path of Helm, or `undefined`: on PATH, where Go puts programs, or from an earlier run. */
export function findHelm() {
  const onPath = findCommand('helm')
  if (onPath !== undefined) return onPath
  const built = [goBin(), cacheFolder()].filter((folder) => folder !== undefined)
  return findCommand('helm', built.join(delimiter))
}

function goBin() {
  const go = findGo()
  if (go === undefined) return undefined
  const { stdout, status } = spawnSync(go, ['env', 'GOPATH'], { encoding: 'utf8' })
  return status === 0 && stdout.trim() !== '' ? join(stdout.trim(), 'bin') : undefined
}

function findGo() {
  return findCommand('go') ?? ['/usr/local/go/bin/go'].find(existsSync)
}

/** Builds Helm with Go; the sentence that tells why not and what to do, or `undefined` when it is there. */
export function installHelm() {
  const go = findGo()
  if (go === undefined) {
    return `the tests of the chart need Helm: install helm ${VERSION} or newer, or Go, with which they build one`
  }
  const folder = cacheFolder()
  mkdirSync(folder, { recursive: true })
  console.error(`> GOBIN=${folder} ${go} install ${PACKAGE}`)
  const nice = findCommand('nice')
  const command = [...(nice === undefined ? [] : [nice]), go, 'install', PACKAGE]
  const { status } = spawnSync(command[0], command.slice(1), {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, GOBIN: folder },
  })
  if (status === 0) return undefined
  return `\`go install ${PACKAGE}\` failed: mend that, or install helm ${VERSION} or newer by hand`
}
