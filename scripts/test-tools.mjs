/** What the tests need from the system, where it is looked for, and how it is installed. Decides; does nothing. */

import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Names that a program goes by, most wanted first, and the package that brings it. */
export const TEST_TOOLS = [
  { name: 'nginx', commands: ['nginx'], apt: 'nginx', brew: 'nginx' },
  {
    name: 'chromium',
    commands: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    places: [
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ],
    apt: 'chromium',
    brew: '--cask chromium',
  },
  { name: 'redis-server', commands: ['redis-server'], apt: 'redis-server', brew: 'redis' },
  { name: 'caddy', commands: ['caddy'], apt: 'caddy', brew: 'caddy' },
  { name: 'curl', commands: ['curl'], apt: 'curl', brew: 'curl' },
  { name: 'nghttp', commands: ['nghttp'], apt: 'nghttp2-client', brew: 'nghttp2' },
]

const APACHE_TOOLS = [
  { name: 'apache2', commands: ['apache2'], apt: 'apache2-bin', brew: 'httpd' },
  {
    name: 'mod_auth_openidc',
    commands: [],
    libraries: ['/usr/lib/apache2/modules/mod_auth_openidc.so'],
    apt: 'libapache2-mod-auth-openidc',
    brew: 'mod_auth_openidc',
  },
]

/** What `npm run advisories` needs: the other proxy that the attacks are tried on. */
export const ADVISORIES_TOOLS = APACHE_TOOLS

/** What `npm run bench` needs besides. */
export const BENCH_TOOLS = [
  { name: 'nginx', commands: ['nginx'], apt: 'nginx', brew: 'nginx' },
  { name: 'wrk', commands: ['wrk'], apt: 'wrk', brew: 'wrk' },
  { name: 'h2load', commands: ['h2load'], apt: 'nghttp2-client', brew: 'nghttp2' },
  ...APACHE_TOOLS,
]

/** What `npm run test:long` needs besides, on Linux: network namespaces, rules for them, and another proxy. */
export const LONG_TOOLS = [
  { name: 'ip', commands: ['ip'], apt: 'iproute2', brew: 'iproute2mac' },
  { name: 'nft', commands: ['nft'], apt: 'nftables', brew: 'nftables' },
  ...APACHE_TOOLS,
]

/** What `npm run test:helm` needs besides Helm itself. */
export const HELM_TOOLS = TEST_TOOLS.filter((tool) => tool.name === 'redis-server')

// Debian keeps servers in sbin, which is not on the PATH of an ordinary user.
const FURTHER_FOLDERS = [
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
  '/usr/local/bin',
  '/opt/homebrew/bin',
]

/** The full path of `command`, or `undefined` where it is neither on `path` nor in the usual folders. */
export function findCommand(command, path = process.env['PATH'] ?? '') {
  const folders = [...path.split(delimiter).filter((folder) => folder !== ''), ...FURTHER_FOLDERS]
  return folders.map((folder) => join(folder, command)).find(isExecutable)
}

/** The full path of a tool of the table, or `undefined`. */
export function findTool(name, path = process.env['PATH'] ?? '') {
  const tool = [...TEST_TOOLS, ...BENCH_TOOLS, ...LONG_TOOLS].find(
    (candidate) => candidate.name === name,
  )
  if (tool === undefined) throw new Error(`the tests need no tool \`${name}\``)
  for (const command of tool.commands) {
    const found = findCommand(command, path)
    if (found !== undefined) return found
  }
  return (tool.places ?? []).find(isExecutable) ?? (tool.libraries ?? []).find(existsSync)
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/**
 * What to do about the tools that are missing: nothing, run some commands, or tell the user the one to type.
 *
 * `has` says whether a command exists, `isRoot` whether we are root, `canSudo` whether sudo asks no password; `who` begins
 * the sentence for the user.
 */
export function planInstallation(missing, { has, isRoot, canSudo }, who = 'the tests need') {
  if (missing.length === 0) return { kind: 'nothing' }
  if (has('apt-get')) return planApt(missing, { isRoot, canSudo }, who)
  if (has('brew')) {
    return {
      kind: 'run',
      commands: missing.map((tool) => ['brew', 'install', ...tool.brew.split(' ')]),
    }
  }
  const names = missing.map((tool) => tool.name).join(' and ')
  return { kind: 'tell', sentence: `${who} ${names}: install them and put them on PATH` }
}

function planApt(missing, { isRoot, canSudo }, who) {
  const packages = missing.map((tool) => tool.apt)
  if (!isRoot && !canSudo) {
    const command = `sudo apt-get update && sudo apt-get install -y ${packages.join(' ')}`
    return {
      kind: 'tell',
      sentence: `${who} what is not installed. Type: ${command}`,
    }
  }
  // sudo drops the environment: the variable goes through `env`, so that no package asks questions.
  const asRoot = isRoot ? ['env'] : ['sudo', '-n', 'env']
  const apt = [...asRoot, 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q']
  return {
    kind: 'run',
    commands: [
      [...apt, 'update'],
      [...apt, 'install', '-y', '--no-install-recommends', ...packages],
    ],
  }
}
