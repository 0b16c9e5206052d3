/** Text of any origin as Markdown that shows it and does nothing else: no markup, no mention of anybody, no broken table. */

import { printable } from './output-trace.ts'

/** `text` as code, fit for a table's cell; cut at `most` characters. */
export function codeText(text: string, most = 200): string {
  const shown = printable(text.length > most ? `${text.slice(0, most - 1)}…` : text)
  if (shown === '') return ''
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  const space = shown.startsWith('`') || shown.endsWith('`') ? ' ' : ''
  // In tables a bar ends the cell, in code as well, unless a backslash stands before it.
  return `${fence}${space}${shown.replaceAll('|', '\\|')}${space}${fence}`
}

/** The row of a table; cells are Markdown. */
export function tableRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

/** The first two lines of a table. */
export function tableHead(titles: readonly string[]): readonly string[] {
  return [tableRow(titles), tableRow(titles.map(() => '---'))]
}
