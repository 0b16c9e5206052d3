/** `gatehouse schema`: the JSON Schema of a kind of file, from which editors complete it. */

import { Argument } from 'commander'
import { configEditorSchema } from '../config/written-schema.ts'
import { PolicyFile } from '../policy/schema/schema.ts'
import { SuiteFile } from '../policy/suite/suite-schema.ts'
import { editorSchema } from '../support/editor-schema.ts'
import { type PlainSchema, plainSchema } from '../support/schema-words.ts'
import type { AddCommand } from './io.ts'

/** Every kind of file that people write, and its schema. */
export const SCHEMAS = {
  config: configEditorSchema,
  policy: () =>
    editorSchema(plainSchema(PolicyFile), {
      title: 'Gatehouse policies',
      description: 'Routes, who may pass them, and the conditions and policies that they share.',
    }),
  test: () =>
    editorSchema(plainSchema(SuiteFile), {
      title: 'Gatehouse policy tests',
      description: 'Who may open what, as `gatehouse test` tries it: a `*_test.yaml` file.',
    }),
} as const satisfies Readonly<Record<string, () => PlainSchema>>

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
