/** The attacks of the suite by their runner: all hold on Gatehouse; what came of them on another proxy stands in the docs. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { ATTACKS } from '../advisories/cases/all.ts'
import { hostileAnswer } from '../advisories/cases/hostile-upstream.ts'
import { details, table } from '../advisories/report.ts'
import { startApacheTarget } from '../advisories/targets/apache.ts'
import { startGatehouseTarget } from '../advisories/targets/gatehouse.ts'
import { tryAttacks } from '../advisories/verdicts.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/advisories.md'), 'utf8')

test('the same bytes are tried on Gatehouse and on Apache with mod_auth_openidc', async (t) => {
  const gatehouse = await startGatehouseTarget(t, { answer: hostileAnswer })
  const held = await tryAttacks(gatehouse, ATTACKS)
  t.equal(details(held), '', 'Gatehouse holds')
  t.ok(held.every(({ kind }) => kind === 'held'))

  const apache = await startApacheTarget(t, { answer: hostileAnswer })
  const verdicts = await tryAttacks(apache, ATTACKS)
  t.equal(verdicts.length, ATTACKS.length)
  t.ok(verdicts.filter(({ kind }) => kind === 'held').length > 40)

  const found = table([
    { name: gatehouse.name, verdicts: held },
    { name: apache.name, verdicts },
  ])
  if (page.includes(apache.name))
    t.ok(page.includes(found), `the page has another table than\n${found}`)
  else t.comment(`the page is about another version than ${apache.name}:\n${found}`)
})
