/** `gatehouse schema`: the JSON Schema of a kind of file, from which editors complete it. */

import { Argument } from 'commander'
import { editorSchema } from '../config/written-schema.ts'
import type { PlainSchema } from '../support/schema-words.ts'
import type { AddCommand } from './io.ts'

/** Every kind of file that people write, and its schema. */
export const SCHEMAS: Readonly<Record<'config', () => PlainSchema>> = {
  config: editorSchema,
}

export const addSchema: AddCommand = (program, io, done) => {
  program
    .command('schema')
    .summary('print the JSON Schema of a kind of file')
    .description(
      'Prints the JSON Schema (draft 2020-12) of a kind of file to stdout; editors complete the YAML from it.',
    )
    .addArgument(new Argument('<kind>', 'kind of file').choices(Object.keys(SCHEMAS)))
    .action((kind: keyof typeof SCHEMAS) => {
      io.stdout(`${JSON.stringify(SCHEMAS[kind](), null, 2)}\n`)
      done(0)
    })
}
