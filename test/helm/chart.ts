/** The chart as Helm renders it: objects, or the reason why not. */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { findHelm } from '../../scripts/helm-tool.mjs'

export const CHART = join(import.meta.dirname, '../../helm')

export const EXAMPLES = ['gateway', 'git', 'sidecar', 'forward-auth'] as const
export type Example = (typeof EXAMPLES)[number]

export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: Readonly<Record<string, unknown>>
}

export function exampleFile(example: Example): string {
  return join(CHART, 'examples', `${example}.yaml`)
}

export function readExample(example: Example): string {
  return readFileSync(exampleFile(example), 'utf8')
}

export interface RenderOptions {
  readonly example?: Example
  /** Over those of the example. */
  readonly values?: unknown
  readonly chart?: string
  readonly command?: readonly string[]
}

/** What Helm prints to stdout and stderr, and whether it went well. */
export function runHelm({ example, values, chart = CHART, command }: RenderOptions) {
  const helm = findHelm()
  if (helm === undefined) throw new Error('Helm is not there: run `npm run test:helm` as a whole')
  const parameters = [
    // Of a Helm that Go has built the version of Kubernetes is not known.
    ...(command ?? ['template', 'gatehouse', '--namespace', 'auth', '--kube-version', '1.32.0']),
    chart,
    ...(example === undefined ? [] : ['--values', exampleFile(example)]),
    ...(values === undefined ? [] : ['--values', '-']),
  ]
  const { status, stdout, stderr } = spawnSync(helm, parameters, {
    encoding: 'utf8',
    input: values === undefined ? '' : JSON.stringify(values),
  })
  return { ok: status === 0, stdout, stderr }
}

/** @throws Error with what Helm says where the values are refused */
export function renderText(options: RenderOptions): string {
  const { ok, stdout, stderr } = runHelm(options)
  if (!ok) throw new Error(stderr)
  return stdout
}

/** @throws Error with what Helm says where the values are refused */
export function renderChart(options: RenderOptions): readonly KubernetesObject[] {
  return parseObjects(renderText(options))
}

/** Objects of a stream of YAML documents, read as kubectl reads them; keys that come twice are an error. */
export function parseObjects(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text, { version: '1.1', merge: false })
    .map((document) => {
      const [mistake] = document.errors
      if (mistake !== undefined) throw mistake
      return document.toJS() as KubernetesObject | null
    })
    .filter((object) => object !== null)
}

export function ofKind(objects: readonly KubernetesObject[], kind: string) {
  return objects.filter((object) => object.kind === kind)
}

/** The one object of a kind, whose name ends in `suffix`. */
export function oneOf(
  objects: readonly KubernetesObject[],
  kind: string,
  suffix = '',
): KubernetesObject {
  const [one, ...others] = ofKind(objects, kind).filter(({ metadata }) =>
    metadata.name.endsWith(suffix),
  )
  if (one === undefined || others.length > 0) {
    throw new Error(`there are ${others.length + (one ? 1 : 0)} objects ${kind} *${suffix}`)
  }
  return one
}

export interface Container {
  readonly name: string
  readonly args: readonly string[]
  readonly env?: readonly { readonly name: string; readonly valueFrom?: object }[]
  readonly resources?: { readonly requests?: object; readonly limits?: object }
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
  readonly [key: string]: unknown
}

export interface PodSpec {
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly volumes?: readonly Readonly<Record<string, unknown>>[]
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly automountServiceAccountToken?: boolean
  readonly terminationGracePeriodSeconds?: number
  readonly [key: string]: unknown
}

/** The pod of a Deployment. */
export function podOf(deployment: KubernetesObject): PodSpec {
  return (deployment.spec as { template: { spec: PodSpec } }).template.spec
}
