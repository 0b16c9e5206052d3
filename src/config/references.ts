/** `${NAME}`, `${file:PATH}` and `$${` in the string values of the config file, once its YAML has been read. */

import { resolve } from 'node:path'
import { error, type Position, type Problem } from '../support/problem.ts'
import { type PlainSchema, typesOf } from '../support/schema-words.ts'
import { readYaml, type YamlDocument, type YamlPath } from '../support/yaml-document.ts'
import { type InputFiles, whyUnreadable } from './input-files.ts'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface ReferenceSources {
  readonly env: Environment
  readonly files: InputFiles
  /** Where relative paths start: the config file's folder. */
  readonly folder: string
}

export interface Filled {
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** Where the text of a reference has stayed. */
  readonly unfilled: readonly YamlPath[]
}

/** `$${`, a whole reference, or the beginning of one that does not end. */
const REFERENCE = /\$\$\{|\$\{([^}]*)\}|\$\{/g
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/
const FILE = 'file:'

/**
 * The document's data with every reference replaced. What comes in is not searched for references again. A text that is
 * one reference is read as its key's type by `schema`; where one cannot be filled its text stays, beside the problem.
 */
export async function fillReferences(
  document: YamlDocument,
  schema: PlainSchema,
  sources: ReferenceSources,
): Promise<Filled> {
  const problems: Problem[] = []
  const unfilled: YamlPath[] = []
  const fill = async (value: unknown, expected: PlainSchema, path: YamlPath): Promise<unknown> => {
    if (typeof value === 'string') {
      return fillText(value, expected, sources, (message) => {
        problems.push(error(document.valueAt(path), message))
        unfilled.push(path)
      })
    }
    if (Array.isArray(value)) {
      const items = itemsOf(expected)
      return Promise.all(value.map((item, index) => fill(item, items, [...path, index])))
    }
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).map(
        async ([key, item]) =>
          [key, await fill(item, propertyOf(expected, key), [...path, key])] as const,
      )
      return Object.fromEntries(await Promise.all(entries))
    }
    return value
  }
  return { value: await fill(document.value, schema, []), problems, unfilled }
}

/** A whole value, as shells would fill it in. */
const BARE_VARIABLE = /^\$[A-Za-z_][A-Za-z0-9_]*$/

/** Where `value` has a text like `$NAME`: it means itself, and whoever wrote it most likely meant `${NAME}`. */
export function bareVariables(value: unknown, path: YamlPath = []): readonly YamlPath[] {
  if (typeof value === 'string') return BARE_VARIABLE.test(value) ? [path] : []
  if (typeof value !== 'object' || value === null) return []
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return entries.flatMap(([key, item]) => bareVariables(item, [...path, key]))
}

/** Drops problems of the schema at places where a reference has failed already: one mistake, one line. */
export function withoutEchoes(
  problems: readonly Problem[],
  failed: readonly Problem[],
): readonly Problem[] {
  const key = (at: Position) => `${at.line}:${at.column}`
  const places = new Set(failed.map(key))
  return problems.filter((problem) => !places.has(key(problem)))
}

async function fillText(
  text: string,
  expected: PlainSchema,
  sources: ReferenceSources,
  report: (message: string) => void,
): Promise<unknown> {
  let filled = ''
  let end = 0
  for (const match of text.matchAll(REFERENCE)) {
    filled += text.slice(end, match.index)
    end = match.index + match[0].length
    if (match[0] === '$${') {
      filled += '${'
      continue
    }
    const content = await contentOf(match[1], sources)
    if (content.kind === 'failed') {
      report(content.message)
      return text
    }
    if (match[0] === text) return asType(content.text, expected)
    filled += content.text
  }
  return filled + text.slice(end)
}

type Content =
  | { readonly kind: 'found'; readonly text: string }
  | { readonly kind: 'failed'; readonly message: string }

async function contentOf(
  reference: string | undefined,
  sources: ReferenceSources,
): Promise<Content> {
  if (reference?.startsWith(FILE)) return contentOfFile(reference.slice(FILE.length), sources)
  if (reference === undefined || !VARIABLE.test(reference)) {
    const message = `\`\${\` begins neither \`\${NAME}\` nor \`\${file:PATH}\`; write \`$\${\` for the text itself`
    return { kind: 'failed', message }
  }
  const text = sources.env[reference]
  if (text === undefined) {
    return { kind: 'failed', message: `environment variable \`${reference}\` is not set` }
  }
  sources.files.note(`env ${reference}`, text)
  return { kind: 'found', text }
}

async function contentOfFile(path: string, sources: ReferenceSources): Promise<Content> {
  try {
    const content = await sources.files.read(resolve(sources.folder, path))
    return { kind: 'found', text: content.toString('utf8').replace(/\r?\n$/, '') }
  } catch (cause) {
    return { kind: 'failed', message: `cannot read \`${path}\`: ${whyUnreadable(cause)}` }
  }
}

/** A whole value that came from outside, as what its key asks for; text where that is what it takes, or if it does not fit. */
function asType(text: string, expected: PlainSchema): unknown {
  const types = new Set(allTypesOf(expected))
  if (types.size === 0 || types.has('string')) return text
  if (types.has('array') && !text.trimStart().startsWith('[')) {
    return text
      .split(',')
      .map((item) => asType(item.trim(), itemsOf(expected)))
      .filter((item) => item !== '')
  }
  return readYaml('', text).value ?? text
}

function allTypesOf(schema: PlainSchema): readonly string[] {
  const branches = schema.anyOf ?? schema.oneOf
  return branches === undefined ? typesOf(schema) : branches.flatMap(allTypesOf)
}

function itemsOf(schema: PlainSchema): PlainSchema {
  return schema.items ?? schema.anyOf?.find((branch) => branch.items !== undefined)?.items ?? {}
}

function propertyOf(schema: PlainSchema, key: string): PlainSchema {
  const properties = schema.properties
  if (properties !== undefined) {
    return Object.hasOwn(properties, key) ? (properties[key] ?? {}) : {}
  }
  return Object.values(schema.patternProperties ?? {})[0] ?? {}
}
