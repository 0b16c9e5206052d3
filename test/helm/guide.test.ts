/** docs/kubernetes.md and the notes of a release say what the chart does. */

import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { parse } from 'yaml'
import { tempFolder, writeFiles } from '../support/temp-folder.ts'
import {
  CHART,
  type Example,
  type KubernetesObject,
  ofKind,
  oneOf,
  podOf,
  renderChart,
} from './chart.ts'
import { mistakesOf } from './kubernetes-schemas.ts'
import { gatehouseOf, renderApp } from './mount.ts'
import { podSecurityMistakes } from './pod-security.ts'

const guide = readFileSync(join(CHART, '../docs/kubernetes.md'), 'utf8')
const blocks = [...guide.matchAll(/^```ya?ml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)

function blockWith(text: string): unknown {
  const block = blocks.find((candidate) => candidate.includes(text))
  if (block === undefined) throw new Error(`the guide has no block with \`${text}\``)
  return parse(block)
}

test('the container that the guide writes out is the one that the templates make', async (t) => {
  const written = blockWith('kind: Deployment') as KubernetesObject
  t.strictSame(await mistakesOf(written), [])
  t.strictSame(podSecurityMistakes(podOf(written)), [])
  const made = podOf(oneOf(renderApp(t).objects, 'Deployment'))
  t.strictSame(gatehouseOf(podOf(written)), gatehouseOf(made))
  t.strictSame(podOf(written).volumes, made.volumes)
  t.equal(podOf(written).terminationGracePeriodSeconds, made.terminationGracePeriodSeconds)
  const names = ofKind(renderChart({ example: 'sidecar' }), 'ConfigMap').map(
    ({ metadata }) => metadata.name,
  )
  t.strictSame(names, ['gatehouse-config', 'gatehouse-policies'])
})

/** What Helm prints after an installation; `helm template` does not. */
function notesOf(t: Test, example: Example): string {
  const folder = tempFolder(t)
  cpSync(CHART, folder, { recursive: true })
  writeFiles(folder, {
    'notes.txt': readFileSync(join(CHART, 'templates/NOTES.txt'), 'utf8'),
    'templates/notes.yaml': `apiVersion: v1
kind: ConfigMap
metadata: { name: the-notes }
data:
  text: |
    {{- tpl (.Files.Get "notes.txt") . | nindent 4 }}
`,
  })
  return (
    oneOf(renderChart({ example, chart: folder }), 'ConfigMap', 'the-notes').data?.['text'] ?? ''
  )
}

test('the notes have the annotations and the snippet that the guide has', async (t) => {
  const { metadata } = blockWith('auth-response-headers') as { metadata: { annotations: object } }
  const notes = notesOf(t, 'forward-auth')
  for (const [name, value] of Object.entries(metadata.annotations)) {
    t.match(notes, `${name}: ${value}`)
  }
  t.match(notes, 'monitoring-gatehouse@kubernetescrd')
  t.match(notes, 'https://auth.example.com/oauth2/callback')

  const sidecar = notesOf(t, 'sidecar')
  const snippet = parse(sidecar.slice(sidecar.indexOf('      terminationGracePeriodSeconds')))
  const made = podOf(oneOf(renderApp(t).objects, 'Deployment'))
  t.strictSame(snippet.containers, [gatehouseOf(made)])
  t.strictSame(snippet.volumes, made.volumes)
})

test('values that the guide shows are values of the chart', async (t) => {
  const values = blockWith('git@git.example.com') as object
  const deployment = oneOf(renderChart({ example: 'gateway', values }), 'Deployment')
  t.ok(podOf(deployment).containers.some(({ name }) => name === 'git-sync'))
})
