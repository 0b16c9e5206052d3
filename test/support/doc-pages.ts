/** The project's pages as a reader has them: links, anchors, blocks of code, and code within sentences. */

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { lexer, type Token, type Tokens, walkTokens } from 'marked'

export const ROOT = join(import.meta.dirname, '../..')

export interface Placed {
  /** `docs/sessions.md:12` */
  readonly at: string
  readonly text: string
}

export interface Block extends Placed {
  readonly language: string
}

export interface DocPage {
  /** From the root of the project. */
  readonly path: string
  /** Targets of links and images, as they are written. */
  readonly links: readonly Placed[]
  readonly anchors: ReadonlySet<string>
  readonly blocks: readonly Block[]
  /** Between backticks. */
  readonly spans: readonly Placed[]
}

const FOLDERS = ['docs', '.github', 'helm', 'policies']
const FILES = ['README.md', 'CHANGELOG.md', 'src/README.md']

/** Paths of all pages, absolute. */
export function markdownFiles(): readonly string[] {
  const inFolders = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(ROOT, folder, name)),
  )
  return [...FILES.map((name) => join(ROOT, name)), ...inFolders.toSorted()]
}

export function docPages(): readonly DocPage[] {
  return markdownFiles().map(readPage)
}

function readPage(file: string): DocPage {
  const path = relative(ROOT, file)
  const page = {
    path,
    links: [] as Placed[],
    anchors: new Set<string>(),
    blocks: [] as Block[],
    spans: [] as Placed[],
  }
  let line = 1
  for (const block of lexer(readFileSync(file, 'utf8'))) {
    const top = { text: block.raw, line }
    line += newlines(block.raw)
    void walkTokens([block], (token) => read(token, top, page))
  }
  return page
}

/** A part of the page at its top, and where it begins. */
interface Top {
  readonly text: string
  readonly line: number
}

type Page = { readonly path: string; readonly anchors: Set<string> } & {
  readonly [list in 'links' | 'spans']: Placed[]
} & { readonly blocks: Block[] }

function read(token: Token, top: Top, page: Page): void {
  const before = Math.max(0, top.text.indexOf(token.raw))
  const at = `${page.path}:${top.line + newlines(top.text.slice(0, before))}`
  if (token.type === 'link' || token.type === 'image') {
    page.links.push({ at, text: (token as Tokens.Link).href })
  } else if (token.type === 'html') {
    for (const [, target = ''] of token.raw.matchAll(/\b(?:src|href)="([^"]*)"/g)) {
      page.links.push({ at, text: target })
    }
  } else if (token.type === 'heading') {
    page.anchors.add(slug((token as Tokens.Heading).text, page.anchors))
  } else if (token.type === 'code') {
    const { lang = '', text } = token as Tokens.Code
    page.blocks.push({ at, language: lang, text: `${text}\n` })
  } else if (token.type === 'codespan') {
    page.spans.push({ at, text: (token as Tokens.Codespan).text })
  }
}

/** As GitHub makes them of headings. */
function slug(heading: string, taken: ReadonlySet<string>): string {
  const plain = heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-')
  let anchor = plain
  for (let n = 1; taken.has(anchor); n++) anchor = `${plain}-${n}`
  return anchor
}

function newlines(text: string): number {
  return text.split('\n').length - 1
}
