/** Probes of the session store: is it there, and does it keep what it is given? */

import { access, constants } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { RedisLocation } from '../config/snapshot.ts'
import type { RedisNode } from '../identity/store/redis-examination.ts'
import type { Finding, Probe } from './probe.ts'

const where = 'session.store'
const NOTED_SKEW_MS = 5_000

export const probeStore: Probe = async ({ snapshot, now }) => {
  const { store } = snapshot
  switch (store.kind) {
    case 'memory': {
      const what = 'store: sessions are in memory: a restart signs everybody out'
      const advice = 'set `store: sqlite:///ABSOLUTE` for one gateway, Redis for several'
      return [{ level: 'warning', what, advice, where }]
    }
    case 'sqlite':
      return probeFile(store.file)
    case 'redis':
      return probeRedis(store, now)
  }
}

async function probeFile(file: string): Promise<readonly Finding[]> {
  const folder = dirname(file)
  const mayWrite = (path: string) =>
    access(path, constants.R_OK | constants.W_OK).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code ?? '',
    )
  const folderProblem = await mayWrite(folder)
  if (folderProblem !== undefined) {
    const what = `store: ${folder} cannot be written (${folderProblem})`
    const advice = 'make the folder, and let the user that runs the gateway write in it'
    return [{ level: 'error', what, advice, where }]
  }
  const problem = await mayWrite(file)
  if (problem === 'ENOENT') {
    return [{ level: 'ok', what: `store: ${file} will be made at the first start` }]
  }
  if (problem !== undefined) {
    const what = `store: ${file} cannot be written (${problem})`
    return [{ level: 'error', what, advice: 'let the user that runs the gateway write it', where }]
  }
  const broken = checkDatabase(file)
  if (broken === undefined) return [{ level: 'ok', what: `store: ${file} is whole` }]
  const advice =
    'restore it from a backup (and set `session.not_before`), or move it away: then everybody signs in again'
  return [{ level: 'error', what: `store: ${file}: ${broken}`, advice, where }]
}

/** What is wrong with the file. It is read, and not changed. */
function checkDatabase(file: string): string | undefined {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: 2_000 })
    const said = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check']
    return said === 'ok' ? undefined : String(said)
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  } finally {
    db?.close()
  }
}

async function probeRedis(location: RedisLocation, now: () => number): Promise<readonly Finding[]> {
  // Its client takes a tenth of a second to load, which only those wait for who use it.
  const { examineRedis } = await import('../identity/store/redis-examination.ts')
  const examined = await examineRedis(location, now)
  if (examined.kind === 'silent') {
    const advice =
      'start it, or mend host, port, password and TLS in `session.store`; without it nobody can sign in'
    return [{ level: 'error', what: `store: ${examined.why}`, advice, where }]
  }
  const versions = [...new Set(examined.nodes.map(({ version }) => version))].join(', ')
  return [
    { level: 'ok', what: `store: ${examined.where} answers, version ${versions}` },
    ...examined.nodes.flatMap((node) => nodeFindings(examined.where, node)),
  ]
}

function nodeFindings(name: string, node: RedisNode): readonly Finding[] {
  const findings: Finding[] = []
  const note = (level: Finding['level'], what: string, advice: string) =>
    findings.push({ level, what: `store: ${name}: ${what}`, advice, where })
  if (node.evictionPolicy !== 'noeviction') {
    note(
      'error',
      `\`maxmemory-policy\` is ${node.evictionPolicy}: under pressure it drops sessions, and marks of those that were ended`,
      'set `maxmemory-policy noeviction`, and enough `maxmemory`',
    )
  }
  if (!node.appendOnly) {
    note(
      'warning',
      'there is no append-only file: what came after the last snapshot is gone with a restart',
      'set `appendonly yes` (and `appendfsync everysec` or `always`)',
    )
  }
  if (!node.persists) {
    note('error', 'its last write to the disk failed', 'look at its log and at the free disk space')
  }
  if (node.replicas === 0) {
    note(
      'warning',
      'it has no replica: with the machine all sessions are gone',
      'add one, and Sentinels or a cluster, unless that may be',
    )
  }
  const skew = node.clock.there - node.clock.here
  if (Math.abs(skew) > NOTED_SKEW_MS) {
    note(
      'warning',
      `its clock is ${Math.round(Math.abs(skew) / 1_000)} s ${skew > 0 ? 'ahead of' : 'behind'} the one here`,
      'have both clocks set by NTP',
    )
  }
  return findings
}
