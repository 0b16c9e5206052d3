/** The config file as a value: read, references filled, the environment's additions made, checked against the schema. */

import { dirname } from 'node:path'
import { checkSchema } from '../support/check-schema.ts'
import { error, hasErrors, type Problem } from '../support/problem.ts'
import { plainSchema } from '../support/schema-words.ts'
import { readYaml, type YamlDocument } from '../support/yaml-document.ts'
import { type InputFiles, whyUnreadable } from './input-files.ts'
import { type JudgeablePart, judgeablePart } from './judgeable-part.ts'
import { decodeUtf8 } from './policy-files.ts'
import { addPomeriumEnvironment } from './pomerium-environment.ts'
import { type Environment, fillReferences, withoutEchoes } from './references.ts'
import { resolveConfig } from './resolve-values.ts'
import type { Config } from './schema.ts'
import { WrittenConfig } from './written-schema.ts'

export interface ReadConfig {
  /** Where its keys and values stand; empty where the file could not be read. */
  readonly document: YamlDocument
  /** What is written, references filled; fit for nothing but a guess where there are errors. */
  readonly written: unknown
  /** Only where nothing was wrong so far. */
  readonly config: Config | undefined
  /** In place of `config`, for the other mistakes that may be in it. */
  readonly judgeable: JudgeablePart | undefined
  readonly problems: readonly Problem[]
}

/** Reads `file`, an absolute path. */
export async function readConfig(
  file: string,
  env: Environment,
  files: InputFiles,
): Promise<ReadConfig> {
  const text = await readText(file, files)
  if (typeof text !== 'string') return withoutConfig(readYaml(file, ''), [text])
  const document = readYaml(file, text)
  if (hasErrors(document.problems)) return withoutConfig(document, document.problems)

  const folder = dirname(file)
  const schema = plainSchema(WrittenConfig)
  const filled = await fillReferences(document, schema, { env, files, folder })
  const added = addPomeriumEnvironment(document, filled.value, env)
  for (const name of added.used) files.note(`env ${name}`, env[name] ?? '')
  const written = added.value
  const mistakes = checkSchema(WrittenConfig, { ...document, value: written })
  const problems = [
    ...filled.problems,
    ...added.problems,
    ...withoutEchoes(mistakes, filled.problems),
  ]
  return hasErrors(problems)
    ? {
        document,
        written,
        config: undefined,
        judgeable: judgeablePart(written, filled.unfilled, folder),
        problems,
      }
    : { document, written, config: resolveConfig(written, folder), judgeable: undefined, problems }
}

async function readText(file: string, files: InputFiles): Promise<string | Problem> {
  try {
    return decodeUtf8(await files.read(file))
  } catch (cause) {
    const start = { file, line: 1, column: 1 }
    return error(start, `cannot read the config file: ${whyUnreadable(cause)}`)
  }
}

function withoutConfig(document: YamlDocument, problems: readonly Problem[]): ReadConfig {
  return { document, written: undefined, config: undefined, judgeable: undefined, problems }
}
