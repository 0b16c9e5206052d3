/** Where lines of a log go. A file that was moved away or removed, as a rotation does it, is opened anew at its place. */

import { fstatSync, mkdirSync, openSync, type Stats, stat, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Every, every as everyReally } from './every.ts'
import {
  type LineWriter,
  openLineWriter,
  type SharedStdout,
  shareStdout,
  type WriterState,
} from './line-writer.ts'
import type { Log } from './log.ts'

export interface LineSink {
  /** @param lines whole ones, each with its end */
  write(lines: Buffer): void
  /** Goes on in the file that is at the path now, made where there is none. Nothing is lost by it. */
  reopen(): void
  /** Lines that were given up: the destination was too slow or could not be written. */
  lost(): number
  close(): Promise<void>
}

export interface LineSinkOptions {
  /** The config's key that names the destination. */
  readonly key: string
  /** Told once when writing begins to fail, and once when it works again. */
  readonly log: Log
  readonly every?: Every
  /** Where several logs may go there. */
  readonly stdout?: SharedStdout | undefined
}

interface OpenFile {
  readonly fd: number
  readonly stats: Stats
}

/**
 * A rotation moves the file, makes the new one, and then sends a signal. Whoever waits for no signal must not come in
 * between: the file has to be away at two looks.
 */
const LOOK_MS = 1_000
const LOOKS = 2

/**
 * @param destination `stdout`, `stderr`, a file, which is appended to and its folder made, or an open descriptor
 * @throws Error that names the config's key where the file cannot be opened
 */
export function openLineSink(
  destination: string | number,
  { key, log, every = everyReally, stdout = shareStdout() }: LineSinkOptions,
): LineSink {
  const note = (state: WriterState) => noteState(state, key, log, () => lost())
  const path = pathOf(destination)
  let file = path === undefined ? undefined : openFile(path, key)
  const open = (): LineWriter => {
    if (file !== undefined) return openLineWriter(file.fd, note)
    if (destination === 'stdout') return stdout(note)
    return openLineWriter(typeof destination === 'number' ? destination : 2, note)
  }
  let writer = open()
  /** Of files that are closed. */
  let lostBefore = 0
  const leaving = new Map<LineWriter, Promise<void>>()
  const lost = () => [writer, ...leaving.keys()].reduce((sum, one) => sum + one.lost(), lostBefore)

  const leave = (old: LineWriter) => {
    const left = old.close().then(() => {
      lostBefore += old.lost()
      leaving.delete(old)
    })
    leaving.set(old, left)
  }
  const reopen = () => {
    if (path === undefined || isAt(path, file)) return
    try {
      file = openFile(path, key)
    } catch (err) {
      log.error({ err }, 'a log goes on in the file that was moved away')
      return
    }
    leave(writer)
    writer = open()
  }
  let awayAt = 0
  const stopLooking =
    path !== undefined &&
    every(LOOK_MS, () => {
      stat(path, (error, stats) => {
        awayAt =
          error?.code === 'ENOENT' || (error === null && !isSame(stats, file)) ? awayAt + 1 : 0
        if (awayAt >= LOOKS) reopen()
      })
    })
  return {
    write: (lines) => writer.write(lines),
    reopen,
    lost,
    close: async () => {
      if (stopLooking) stopLooking()
      await Promise.all([writer.close(), ...leaving.values()])
    },
  }
}

function pathOf(destination: string | number): string | undefined {
  const isPath = typeof destination === 'string' && !['stdout', 'stderr'].includes(destination)
  return isPath ? destination : undefined
}

/** Opened here and not by the writer, which would go on trying a file that cannot be had. */
function openFile(path: string, key: string): OpenFile {
  try {
    mkdirSync(dirname(path), { recursive: true })
    const fd = openSync(path, 'a', 0o640)
    return { fd, stats: fstatSync(fd) }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`cannot write the log of \`${key}\`: ${why}`, { cause })
  }
}

function isAt(path: string, file: OpenFile | undefined): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats !== undefined && isSame(stats, file)
}

function isSame({ dev, ino }: Stats, file: OpenFile | undefined): boolean {
  return dev === file?.stats.dev && ino === file.stats.ino
}

function noteState(state: WriterState, key: string, log: Log, lost: () => number): void {
  switch (state.kind) {
    case 'well':
      return log.info({ key, lost: lost() }, 'a log can be written again')
    case 'behind':
      return log.error({ key }, 'a log is too slow: lines are lost, requests go on')
    case 'failing':
      return log.error(
        { key, err: state.err },
        'a log cannot be written: lines are lost once 16 MB wait, requests go on',
      )
  }
}
