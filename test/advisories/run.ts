/**
 * `npm run advisories -- [--target NAME]... [--only ID] [--all]`: tries the attacks of the suite on Gatehouse, on Apache
 * with mod_auth_openidc, or on what a module of yours starts; ends with 1 where one did not hold.
 */

import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Scope, withScope } from '../support/scope.ts'
import type { ByteUpstreamOptions } from './byte-upstream.ts'
import { ATTACKS } from './cases/all.ts'
import { hostileAnswer } from './cases/hostile-upstream.ts'
import { details, summary, type Tried, table } from './report.ts'
import type { Target } from './target.ts'
import { startApacheTarget } from './targets/apache.ts'
import { startGatehouseTarget } from './targets/gatehouse.ts'
import { tryAttacks } from './verdicts.ts'

/** Starts a target in front of an upstream that answers by `answer`; a module of yours exports it as `startTarget`. */
export type StartTarget = (scope: Scope, upstream: ByteUpstreamOptions) => Promise<Target>

const TARGETS: Readonly<Record<string, StartTarget>> = {
  gatehouse: startGatehouseTarget,
  apache: startApacheTarget,
}

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true, default: ['gatehouse'] },
    only: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
})
const { only } = values
const attacks = ATTACKS.filter(({ id }) => only === undefined || id.split(/, | to /).includes(only))
if (attacks.length === 0) throw new Error(`no attack \`${only}\``)

const all: Tried[] = []
for (const name of values.target) all.push(await tryOn(TARGETS[name] ?? (await startOf(name))))
const most = values.all ? Number.POSITIVE_INFINITY : undefined
process.stdout.write(`${table(all)}\n`)
for (const tried of all) {
  process.stdout.write(`\n${summary(tried)}\n${details(tried.verdicts, most)}\n`)
  if (tried.verdicts.some(({ kind }) => kind === 'did not hold')) process.exitCode = 1
}

function tryOn(start: StartTarget): Promise<Tried> {
  return withScope(async (scope) => {
    const target = await start(scope, { answer: hostileAnswer })
    let count = 0
    const tell = () => process.stderr.write(`\r${target.name}: ${++count} of ${attacks.length} `)
    const verdicts = await tryAttacks(target, attacks, tell)
    process.stderr.write('\n')
    return { name: target.name, verdicts }
  })
}

async function startOf(file: string): Promise<StartTarget> {
  const module: { readonly startTarget?: StartTarget } = await import(resolve(file))
  if (module.startTarget === undefined) throw new Error(`${file} exports no \`startTarget\``)
  return module.startTarget
}
