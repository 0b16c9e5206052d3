/** A rendered pod's files on this machine: every volume where its container has it mounted, below a folder of the test. */

import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { mountConfigMap, mountWorktree } from '../support/mounted-files.ts'
import { selfSigned } from '../support/self-signed.ts'
import { tempFolder } from '../support/temp-folder.ts'
import {
  CHART,
  type Container,
  type KubernetesObject,
  ofKind,
  type PodSpec,
  parseObjects,
  readExample,
  renderText,
} from './chart.ts'

/** Where the container has everything of ours. */
const PLACE = '/etc/gatehouse'

export interface MountOptions {
  /** What git-sync has fetched, by path in the repository. */
  readonly git?: Readonly<Record<string, string>>
  /** Changes the text of gatehouse.yaml. */
  readonly edit?: (config: string) => string
}

/** @returns the folder; `gatehouse.yaml` is in `config/` below it */
export function mountPod(
  t: Test,
  pod: PodSpec,
  objects: readonly KubernetesObject[],
  { git = {}, edit = (config) => config }: MountOptions = {},
): string {
  const folder = tempFolder(t)
  for (const { name, mountPath } of gatehouseOf(pod).volumeMounts ?? []) {
    if (!mountPath.startsWith(PLACE)) continue
    const place = join(folder, mountPath.slice(PLACE.length))
    const volume = pod.volumes?.find((candidate) => candidate['name'] === name) ?? {}
    const { name: mapName } = (volume['configMap'] ?? {}) as { name?: string }
    mkdirSync(place, { recursive: true })
    if (mapName !== undefined) {
      // Others' ConfigMaps are not in what is rendered.
      const data = dataOf(objects, mapName) ?? { 'theirs.yaml': 'routes: []\n' }
      const files = Object.entries(data).map(([file, text]) => [
        file,
        file === 'gatehouse.yaml' ? edit(inFolder(text, folder)) : text,
      ])
      mountConfigMap(place, Object.fromEntries(files))
    } else if (volume['secret'] !== undefined) {
      const { cert, key } = selfSigned(['*.example.com', 'localhost'])
      writeFileSync(join(place, 'tls.crt'), cert)
      writeFileSync(join(place, 'tls.key'), key)
    } else if (name === 'gatehouse-git') {
      mountWorktree(join(place, 'current'), git)
    }
  }
  return folder
}

function dataOf(objects: readonly KubernetesObject[], name: string) {
  return ofKind(objects, 'ConfigMap').find(({ metadata }) => metadata.name === name)?.data
}

/** Paths of the container as paths of this machine. */
function inFolder(text: string, folder: string): string {
  return text
    .replaceAll(PLACE, folder)
    .replaceAll('sqlite:///var/lib/gatehouse', `sqlite://${folder}`)
}

export function gatehouseOf(pod: PodSpec): Container {
  const found = pod.containers.find((container) => container.name === 'gatehouse')
  if (found === undefined) throw new Error('there is no container `gatehouse`')
  return found
}

/** A value for each variable that a Secret gives the pod. */
export function environmentOf(pod: PodSpec): Readonly<Record<string, string>> {
  const names = (gatehouseOf(pod).env ?? []).map(({ name }) => name)
  const values = names.map((name) => [name, Buffer.alloc(32, name).toString('base64')])
  return { ...Object.fromEntries(values), GATEHOUSE_STORE: 'redis://redis:6379' }
}

/** The chart of an app that holds ours, with the values of the example as those of `gatehouse`. */
export function renderApp(t: Test, values: Readonly<Record<string, unknown>> = {}) {
  const folder = tempFolder(t)
  cpSync(join(import.meta.dirname, 'app-chart'), folder, { recursive: true })
  cpSync(CHART, join(folder, 'charts/gatehouse'), { recursive: true })
  const [example] = parseObjects(readExample('sidecar'))
  const text = renderText({ chart: folder, values: { gatehouse: { ...example, ...values } } })
  return { objects: parseObjects(text), folder: dirname(folder) }
}
