/** Types of test-tools.mjs, which is plain JavaScript because it runs before anything is known of the machine. */

export interface TestTool {
  readonly name: string
  readonly commands: readonly string[]
  readonly places?: readonly string[]
  /** Looked for as files, where no program is meant. */
  readonly libraries?: readonly string[]
  readonly apt: string
  readonly brew: string
}

export interface Machine {
  has(command: string): boolean
  readonly isRoot: boolean
  readonly canSudo: boolean
}

export type Installation =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'run'; readonly commands: readonly (readonly string[])[] }
  | { readonly kind: 'tell'; readonly sentence: string }

export declare const TEST_TOOLS: readonly TestTool[]
export declare const ADVISORIES_TOOLS: readonly TestTool[]
export declare const BENCH_TOOLS: readonly TestTool[]
export declare const LONG_TOOLS: readonly TestTool[]
export declare const HELM_TOOLS: readonly TestTool[]
export declare function findCommand(command: string, path?: string): string | undefined
export declare function findTool(name: string, path?: string): string | undefined
export declare function planInstallation(
  missing: readonly TestTool[],
  machine: Machine,
  who?: string,
): Installation
