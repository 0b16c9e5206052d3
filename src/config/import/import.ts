/** `gatehouse import`: another proxy's file in, a Gatehouse config and policies out, with a note for all that differs. */

import { basename } from 'node:path'
import type { Position, Problem } from '../../support/problem.ts'
import { error, hasErrors } from '../../support/problem.ts'
import type { Clock } from '../../support/time.ts'
import { readYaml } from '../../support/yaml-document.ts'
import type { YamlMap } from '../../support/yaml-node.ts'
import { createNotes, type Note, type Notes } from './notes.ts'
import { importOauth2Proxy } from './oauth2-proxy.ts'
import { importPomerium } from './pomerium.ts'
import { type DraftFile, type SettledFile, settle } from './settle.ts'
import { readToml } from './toml.ts'

export type ImportKind = 'pomerium' | 'oauth2-proxy'

/** A file that was read. */
export interface ImportSource {
  /** Absolute. */
  readonly file: string
  readonly text: string
}

export interface ImportOptions {
  /** Absolute: where the result will lie. */
  readonly folder: string
  readonly now: Clock
}

export interface Imported {
  /** Paths start at the folder of the result. Empty where the imported file could not be read. */
  readonly files: readonly SettledFile[]
  readonly notes: readonly Note[]
  /** Environment variables that the config refers to. */
  readonly environment: readonly string[]
  /** Of the imported files where they cannot be read, else of the result. */
  readonly problems: readonly Problem[]
}

/** Translates `sources`; only oauth2-proxy has two, its options and its alpha config. */
export async function importFiles(
  kind: ImportKind,
  sources: readonly ImportSource[],
  options: ImportOptions,
): Promise<Imported> {
  const read = sources.map((source) => readSource(source, kind))
  const problems = read.flatMap((one) => one.problems)
  const maps = read.flatMap(({ map }) => (map === undefined ? [] : [map]))
  const [first] = maps
  if (hasErrors(problems) || first === undefined) {
    return { files: [], notes: [], environment: [], problems }
  }
  const notes = createNotes()
  const name = sources.map(({ file }) => basename(file)).join(' and ')
  const drafts = draftsFor(kind, maps, name, notes)
  const settled = await settle(drafts, notes, {
    ...options,
    origin: { at: first.at, subject: name },
  })
  return {
    files: settled.files,
    notes: notes.all,
    environment: [...notes.environment].filter((name) => isReferredTo(name, settled.files)),
    problems: settled.problems,
  }
}

/** Not in what is only a comment in the end. */
function isReferredTo(name: string, files: readonly SettledFile[]): boolean {
  const lines = files.flatMap(({ text }) => text.split('\n'))
  return lines.some((line) => !line.trimStart().startsWith('#') && line.includes(`\${${name}}`))
}

function draftsFor(
  kind: ImportKind,
  maps: readonly YamlMap[],
  name: string,
  notes: Notes,
): readonly DraftFile[] {
  const [first] = maps
  if (first === undefined) return []
  return kind === 'pomerium'
    ? importPomerium(first, name, notes)
    : importOauth2Proxy(maps, name, notes)
}

interface ReadSource {
  readonly map: YamlMap | undefined
  readonly problems: readonly Problem[]
}

function readSource({ file, text }: ImportSource, kind: ImportKind): ReadSource {
  const start: Position = { file, line: 1, column: 1 }
  const isToml = kind === 'pomerium' ? /\.toml$/i.test(file) : !/\.(ya?ml|json)$/i.test(file)
  const { tree, problems } = isToml ? readToml(file, text) : yamlTree(file, text)
  if (hasErrors(problems)) return { map: undefined, problems }
  if (tree === undefined) return { map: undefined, problems: [error(start, 'the file is empty')] }
  if (tree.kind !== 'map') {
    return {
      map: undefined,
      problems: [error(tree.at, 'the file is no mapping of keys to values')],
    }
  }
  return { map: tree, problems }
}

function yamlTree(file: string, text: string) {
  const document = readYaml(file, text)
  return { tree: document.tree, problems: document.problems }
}
