/**
 * `npm run bench -- [PART[:SETTING=VALUE]...]`: runs parts of the bench one after the other, `forwarding` unless others
 * are named. The figures that count are the ratios of one run; a machine's own speed drops out.
 */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench, BenchPart } from './part.ts'

const FOLDER = join(import.meta.dirname, 'parts')
const names = readdirSync(FOLDER).map((file) => file.replace(/\.ts$/, ''))

const asked = process.argv.slice(2)
if (asked.includes('--list')) {
  for (const name of names) print(`${name.padEnd(14)} ${(await partOf(name)).about}`)
} else {
  print(`${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}`)
  for (const text of asked.length === 0 ? ['forwarding'] : asked) await runPart(text)
}

async function runPart(text: string): Promise<void> {
  const [name = '', ...settings] = text.split(':')
  const part = await partOf(name)
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  const stops: (() => Promise<void> | void)[] = []
  const bench: Bench = {
    folder,
    settings: new Map(settings.map((setting) => splitOnce(setting, '='))),
    defer: (stop) => {
      stops.push(stop)
    },
    print,
    progress,
  }
  print(`\n## ${name}\n`)
  try {
    await part.run(bench)
  } finally {
    clearProgress()
    for (const stop of stops.reverse()) await stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function partOf(name: string): Promise<BenchPart> {
  if (!names.includes(name)) throw new Error(`no part \`${name}\`; there are: ${names.join(', ')}`)
  const { part } = (await import(join(FOLDER, `${name}.ts`))) as { readonly part: BenchPart }
  return part
}

function splitOnce(text: string, at: string): [string, string] {
  const index = text.indexOf(at)
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)]
}

function print(line: string): void {
  clearProgress()
  process.stdout.write(`${line}\n`)
}

function progress(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
}
