import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'tap'
import { openDecisionLines } from '../../src/app/cluster/decision-lines.ts'
import { SILENT } from '../support/silent-log.ts'
import { tempFolder } from '../support/temp-folder.ts'

test('lines of several processes stay whole, whatever the pieces that they arrive in', async (t) => {
  const file = join(tempFolder(t), 'log/decisions.log')
  const lines = openDecisionLines(file, { log: SILENT })
  const [one, two] = [new PassThrough(), new PassThrough()]
  for (const from of [one, two]) lines.take(from)
  for (const [from, piece] of [
    [one, 'a1'],
    [two, 'b1\nb2'],
    [one, '-end\na2\na3'],
    [two, '-ü'],
    [two, '-end\n'],
    [one, '\n'],
  ] as const) {
    from.write(piece)
    await turn()
  }
  one.end()
  two.end()
  await lines.close()
  t.equal(readFileSync(file, 'utf8'), 'b1\na1-end\na2\nb2-ü-end\na3\n')
  t.equal(lines.lost(), 0)
})

test('what a killed process left unfinished is lost, counted, and spoils nothing', async (t) => {
  const file = join(tempFolder(t), 'decisions.log')
  const lines = openDecisionLines(file, { log: SILENT })
  const [killed, other] = [new PassThrough(), new PassThrough()]
  for (const from of [killed, other]) lines.take(from)
  killed.write('whole\nunfinish')
  await turn()
  killed.destroy()
  await turn()
  other.end('next\n')
  await lines.close()
  t.equal(readFileSync(file, 'utf8'), 'whole\nnext\n')
  t.equal(lines.lost(), 1)
})

test('another destination is taken as a whole or not at all', async (t) => {
  const folder = tempFolder(t)
  const lines = openDecisionLines(join(folder, 'first.log'), { log: SILENT })
  const from = new PassThrough()
  lines.take(from)
  from.write('one\n')
  await turn()
  t.throws(() => lines.prepare('/dev/null/x'), { message: /`logging\.decisions`/ })
  await lines.prepare(join(folder, 'dropped.log')).abort()
  from.write('two\n')
  await turn()
  await lines.prepare(join(folder, 'second.log')).commit()
  from.end('three\n')
  await lines.close()
  t.equal(readFileSync(join(folder, 'first.log'), 'utf8'), 'one\ntwo\n')
  t.equal(readFileSync(join(folder, 'second.log'), 'utf8'), 'three\n')
})
