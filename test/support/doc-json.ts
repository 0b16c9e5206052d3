/** Samples of JSON in the pages: read, and held against what writes such JSON. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@cfworker/json-schema'
import { isMapping } from '../../src/support/mapping.ts'
import { ROOT } from './doc-pages.ts'

const schema = readFileSync(join(ROOT, 'docs/schema/audit-event.schema.json'), 'utf8')
const auditEvent = new Validator(JSON.parse(schema), '2020-12', false)
const accessLog = readFileSync(join(ROOT, 'src/proxy/access-log.ts'), 'utf8')
const failure = readFileSync(join(ROOT, 'src/pages/failure.ts'), 'utf8')

/** What is wrong with a sample of JSON, by what it says that it is: its keys are those that are written there. */
export function wrongJson(value: unknown): string | undefined {
  if (!isMapping(value)) return undefined
  if (value['msg'] === 'audit') return auditEvent.validate(value).errors[0]?.error
  if (value['msg'] === 'request') {
    return Object.keys(value).find((key) => !accessLog.includes(`"${key}":`))
  }
  if ('error' in value && 'request_id' in value) {
    return Object.keys(value).find((key) => !new RegExp(`\\b${key}:`).test(failure))
  }
  return undefined
}

/** One value, or one on each line. */
export function parsed(text: string): readonly unknown[] | undefined {
  for (const parts of [[text], text.trim().split('\n')]) {
    try {
      return parts.map((part) => JSON.parse(part) as unknown)
    } catch {
      // The other way, then.
    }
  }
  return undefined
}
