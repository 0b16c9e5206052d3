/** Questions at a terminal, one after the other; what is secret is not shown while it is typed. */

import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'

export interface Terminal {
  readonly stdin: NodeJS.ReadableStream
  readonly stderr: (text: string) => void
}

export interface Asking {
  /** The answer without blanks around it, or `byDefault` where there is none. Undefined where the input has ended. */
  line(question: string, byDefault?: string): Promise<string | undefined>
  /** As `line`, and nothing of it is shown. */
  secret(question: string): Promise<string | undefined>
  close(): void
}

/** Asks on stderr, so that stdout stays for what a command makes. */
export function startAsking({ stdin, stderr }: Terminal): Asking {
  let muted = false
  const output = new Writable({
    write: (chunk, _encoding, done) => {
      // The editor repeats what is typed; of a secret only the end of the line is let through.
      if (!muted) stderr(String(chunk))
      else if (/[\r\n]/.test(String(chunk))) stderr('\n')
      done()
    },
  })
  const isTerminal = 'isTTY' in stdin && stdin.isTTY === true
  const lines = createInterface({ input: stdin, output, terminal: isTerminal })
  let ended = false
  const end = new Promise<undefined>((resolve) => {
    lines.once('close', () => {
      ended = true
      resolve(undefined)
    })
  })
  const ask = async (question: string): Promise<string | undefined> => {
    if (ended) return undefined
    const answer = await Promise.race([lines.question(question), end])
    return answer?.trim()
  }
  return {
    line: async (question, byDefault) => {
      const hint = byDefault === undefined ? '' : ` [${byDefault}]`
      const answer = await ask(`${question}${hint}: `)
      return answer === '' ? (byDefault ?? '') : answer
    },
    secret: async (question) => {
      stderr(`${question}: `)
      muted = true
      try {
        return await ask('')
      } finally {
        muted = false
      }
    },
    close: () => lines.close(),
  }
}
