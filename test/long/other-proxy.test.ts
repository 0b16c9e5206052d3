/** The attacks of the suite by their runner: all hold on Gatehouse; on another proxy they run to their end as well. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { ATTACKS } from '../advisories/cases/all.ts'
import { hostileAnswer } from '../advisories/cases/hostile-upstream.ts'
import { details, row } from '../advisories/report.ts'
import { startApacheTarget } from '../advisories/targets/apache.ts'
import { startGatehouseTarget } from '../advisories/targets/gatehouse.ts'
import { tryAttacks } from '../advisories/verdicts.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/advisories.md'), 'utf8')

test('Gatehouse holds', async (t) => {
  const target = await startGatehouseTarget(t, { answer: hostileAnswer })
  const verdicts = await tryAttacks(target, ATTACKS)
  t.equal(details(verdicts), '')
  t.same(
    verdicts.filter(({ kind }) => kind !== 'held'),
    [],
  )
})

test('Apache with mod_auth_openidc is tried with the same bytes, and the page tells what came of it', async (t) => {
  const target = await startApacheTarget(t, { answer: hostileAnswer })
  const verdicts = await tryAttacks(target, ATTACKS)
  t.equal(verdicts.length, ATTACKS.length)
  t.ok(verdicts.filter(({ kind }) => kind === 'held').length > 40)
  if (page.includes(target.name)) {
    const untold = verdicts.filter((verdict) => !page.includes(row(verdict)))
    t.same(untold.map(row), [], 'rows that the page does not have')
  } else {
    t.comment(`${target.name} is not the one of the page: ${details(verdicts)}`)
  }
})
