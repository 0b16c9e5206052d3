/**
 * Writes the files that are made from the sources: docs/configuration.md, docs/schema/*.json, and of the Helm chart
 * values.yaml, values.schema.json and README.md.
 * With `--check` it writes nothing and fails where one of them is not what it would write.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SCHEMAS } from '../src/cli/schema.ts'
import { AuditLine } from '../src/support/audit-schema.ts'
import { editorSchema } from '../src/support/editor-schema.ts'
import { plainSchema } from '../src/support/schema-words.ts'
import { valuesFile, valuesSchema, valuesTable } from './chart/values-files.ts'
import { configReference } from './config-reference.ts'

const ROOT = join(import.meta.dirname, '..')

/** Every generated file, by its path from the top of the project. */
async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const template = (name: string) => readFile(join(import.meta.dirname, 'templates', name), 'utf8')
  const files = new Map<string, string>()
  const configuration = await template('configuration.md')
  files.set('docs/configuration.md', configuration.replace('{{reference}}', configReference))
  const chart = await template('chart.md')
  files.set('helm/README.md', chart.replace('{{values}}', valuesTable))
  files.set('helm/values.yaml', valuesFile())
  files.set('helm/values.schema.json', valuesSchema())
  for (const [name, schema] of Object.entries(SCHEMAS)) {
    files.set(`docs/schema/${name}.schema.json`, `${JSON.stringify(schema(), null, 2)}\n`)
  }
  files.set('docs/schema/audit-event.schema.json', `${JSON.stringify(auditSchema(), null, 2)}\n`)
  return files
}

function auditSchema(): object {
  return editorSchema(plainSchema(AuditLine), {
    title: 'Gatehouse audit event',
    description: 'A line of `logging.audit`.',
  })
}

async function writeAll(files: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, content] of files) {
    await mkdir(dirname(join(ROOT, path)), { recursive: true })
    await writeFile(join(ROOT, path), content)
  }
}

/** Paths of those files that are missing or differ. */
async function stale(files: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const found: string[] = []
  for (const [path, content] of files) {
    const written = await readFile(join(ROOT, path), 'utf8').catch(() => undefined)
    if (written !== content) found.push(path)
  }
  return found
}

const files = await generatedFiles()
if (process.argv.includes('--check')) {
  const paths = await stale(files)
  for (const path of paths) {
    console.error(`${path}: is not what the sources say; run: npm run generate`)
  }
  process.exitCode = paths.length === 0 ? 0 : 1
} else {
  await writeAll(files)
}
