/** What a YAML text must not be before a parser sees it: too large, too deep, or not text. Looks at characters alone. */

/** No hand-written file comes near; a larger one is refused before it costs time. */
const MAX_BYTES = 8 * 1024 * 1024
/** Lines, list items and mapping entries, roughly: what parsing costs. */
const MAX_PARTS = 500_000
/** Far beyond any file that a person can read. */
export const MAX_DEPTH = 100
/** Signs of depth that are certain to be too many, although some of them may stand in quotes or comments. */
const MAX_SIGNS = 10 * MAX_DEPTH

/** What is wrong, and where in the text. */
export interface TextProblem {
  readonly offset: number
  readonly message: string
}

export const TOO_DEEP = `nested more than ${MAX_DEPTH} levels deep`

/** The reason not to parse `text`, or `undefined`. Takes time linear in the text. */
export function refuseText(text: string): TextProblem | undefined {
  if (text.length > MAX_BYTES || Buffer.byteLength(text) > MAX_BYTES) {
    return { offset: 0, message: 'the file is larger than 8 MiB; split it' }
  }
  return firstControl(text) ?? firstTooMuch(text)
}

/** YAML 1.2.2 §5.1: of the control characters only tab and line breaks are allowed. */
function firstControl(text: string): TextProblem | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const offset = text.search(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/)
  if (offset < 0) return undefined
  const code = text.charCodeAt(offset).toString(16).toUpperCase().padStart(4, '0')
  return { offset, message: `the file holds the control character U+${code}; take it out` }
}

const LINE_FEED = 10
const COMMA = 44
const DASH = 45
const QUESTION_MARK = 63
const OPENING_BRACKET = 91
const CLOSING_BRACKET = 93
const OPENING_BRACE = 123
const CLOSING_BRACE = 125

/** Where nesting or length pass what the parser, which recurses, can be given. One pass, because files may be large. */
function firstTooMuch(text: string): TextProblem | undefined {
  let open = 0
  let marksInLine = 0
  let parts = 0
  for (let offset = 0; offset < text.length; offset++) {
    switch (text.charCodeAt(offset)) {
      case LINE_FEED:
        marksInLine = 0
        parts++
        break
      case COMMA:
        parts++
        break
      case OPENING_BRACKET:
      case OPENING_BRACE:
        open++
        parts++
        break
      case CLOSING_BRACKET:
      case CLOSING_BRACE:
        if (open > 0) open--
        break
      case DASH:
      case QUESTION_MARK:
        if (beginsLevel(text, offset)) marksInLine++
        break
    }
    if (open > MAX_SIGNS || marksInLine > MAX_SIGNS) return { offset, message: TOO_DEEP }
    if (parts > MAX_PARTS) {
      return { offset, message: `the file has more than ${MAX_PARTS} lines and entries; split it` }
    }
  }
  return undefined
}

/** Whether the dash or question mark at `offset` begins a level within its line. */
function beginsLevel(text: string, offset: number): boolean {
  const next = text.charCodeAt(offset + 1)
  return next === 32 || next === 9
}
