/** What a part of the bench is. Each is a file of parts/, and is called by the name of its file. */

export interface BenchPart {
  /** One line for `npm run bench -- --list`. */
  readonly about: string
  /** Rejects where something failed that must not fail while it is measured. */
  run(bench: Bench): Promise<void>
}

/** What a part is given: a folder of its own, and a way to leave nothing behind. */
export interface Bench {
  /** Empty at first, removed afterwards. */
  readonly folder: string
  /** Names of the part that were given after it, as in `soak:seconds=60`. */
  readonly settings: ReadonlyMap<string, string>
  /** Called when the part is over, also where it failed; the last one first. */
  defer(stop: () => Promise<void> | void): void
  /** A line of the result. */
  print(line: string): void
  /** What goes on meanwhile: replaces the line before it on a terminal. */
  progress(text: string): void
}
