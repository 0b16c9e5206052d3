/** Rows as CSV (RFC 4180) that a spreadsheet shows and never runs. */

import { printable } from './output-trace.ts'

/** What makes a spreadsheet take a cell for a formula, also behind spaces and in full width. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/

/** All rows, each ended by CR LF. */
export function csvText(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => `${cells.map(cellText).join(',')}\r\n`).join('')
}

function cellText(cell: string): string {
  const shown = printable(cell)
  const text = FORMULA.test(shown) ? `'${shown}` : shown
  return /[",]/.test(text) || text.trim() !== text ? `"${text.replaceAll('"', '""')}"` : text
}
