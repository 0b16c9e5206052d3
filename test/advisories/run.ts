/**
 * `npm run advisories -- [--target NAME] [--only ID] [--all]`: tries the attacks of the suite on Gatehouse, on Apache with
 * mod_auth_openidc, or on what a module of yours starts; ends with 1 where one did not hold.
 */

import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Scope, withScope } from '../support/scope.ts'
import type { ByteUpstreamOptions } from './byte-upstream.ts'
import { ATTACKS } from './cases/all.ts'
import { hostileAnswer } from './cases/hostile-upstream.ts'
import { details, HEAD, row, summary } from './report.ts'
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
    target: { type: 'string', default: 'gatehouse' },
    only: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
})
const start = TARGETS[values.target] ?? (await startOf(values.target))
const { only } = values
const attacks = ATTACKS.filter(({ id }) => only === undefined || id.split(/, | to /).includes(only))
if (attacks.length === 0) throw new Error(`no attack \`${only}\``)

await withScope(async (scope) => {
  const target = await start(scope, { answer: hostileAnswer })
  process.stdout.write(`${target.name}\n\n${HEAD}\n`)
  const verdicts = await tryAttacks(target, attacks, (verdict) =>
    process.stdout.write(`${row(verdict)}\n`),
  )
  const most = values.all ? Number.POSITIVE_INFINITY : undefined
  process.stdout.write(`\n${summary(target.name, verdicts)}\n\n${details(verdicts, most)}\n`)
  if (verdicts.some(({ kind }) => kind === 'did not hold')) process.exitCode = 1
})

async function startOf(file: string): Promise<StartTarget> {
  const module: { readonly startTarget?: StartTarget } = await import(resolve(file))
  if (module.startTarget === undefined) throw new Error(`${file} exports no \`startTarget\``)
  return module.startTarget
}
