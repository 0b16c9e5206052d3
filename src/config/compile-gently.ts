/**
 * Policies compiled while requests are being served. Ten thousand routes keep a processor busy for seconds, and nobody
 * may wait that long: a parser cannot be interrupted, so it has a thread of its own; the rest is done bit by bit.
 */

import { once } from 'node:events'
import { extname } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import {
  type CompiledSet,
  type CompileOptions,
  compileInSteps,
  type PolicySource,
} from '../policy/compile.ts'
import { beginYaml, readYaml, type YamlDocument } from '../support/yaml-document.ts'
import type { Parsed, ToParse } from './parser-thread.ts'

/** For so long, in milliseconds, work may keep requests from being looked at. */
const SLICE_MS = 0.5
/** Up to here, in characters, a file is read within milliseconds, which is less than a thread takes to begin. */
const SMALL_FILE = 64 * 1024

/**
 * What `compilePolicies` gives. Rejects where the parser's thread fails.
 * @param smallFile characters up to which a file is read here; a large one is read in the thread
 */
export async function compileGently(
  sources: readonly PolicySource[],
  options: CompileOptions,
  smallFile = SMALL_FILE,
): Promise<CompiledSet> {
  const parser = createParser()
  try {
    const steps = compileInSteps(sources, options)
    const pause = createPause()
    let step = steps.next()
    while (step.done !== true) {
      const source = step.value
      const document = source && (await read(source, source.text.length > smallFile, parser, pause))
      await pause()
      step = steps.next(document)
    }
    return step.value
  } finally {
    await parser.close()
  }
}

/** Lets others have their turn once it has been ours for long enough. */
function createPause(): () => Promise<void> | undefined {
  let endsAt = performance.now() + SLICE_MS
  return () => {
    if (performance.now() < endsAt) return undefined
    return turn().then(() => {
      endsAt = performance.now() + SLICE_MS
    })
  }
}

async function read(
  { file, text }: PolicySource,
  isLarge: boolean,
  parser: Parser,
  pause: () => Promise<void> | undefined,
): Promise<YamlDocument> {
  if (!isLarge) return readYaml(file, text)
  const reading = beginYaml(file, text)
  let parsed = await parser.ask({ text })
  while (parsed.kind === 'events') {
    reading.take(parsed.events)
    await pause()
    parsed = await parser.ask('next')
  }
  return parsed.kind === 'refused' ? reading.refuse(parsed.problem) : reading.done()
}

interface Parser {
  ask(question: ToParse): Promise<Parsed>
  close(): Promise<void>
}

/** The thread begins with the first question. */
function createParser(): Parser {
  let thread: Worker | undefined
  let early: Promise<never> | undefined
  const begin = (): Worker => {
    // The extension that this file itself has: that of the sources, or of what is built from them.
    const script = new URL(`./parser-thread${extname(import.meta.filename)}`, import.meta.url)
    const begun = new Worker(script)
    early = once(begun, 'exit').then(() => {
      throw new Error('the thread that reads policies ended before it was done')
    })
    early.catch(() => undefined)
    return begun
  }
  return {
    ask: async (question) => {
      thread ??= begin()
      thread.postMessage(question)
      const [parsed]: Parsed[] = await Promise.race([once(thread, 'message'), early ?? []])
      if (parsed === undefined) throw new Error('the thread that reads policies says nothing')
      return parsed
    },
    close: async () => {
      await thread?.terminate()
    },
  }
}
