/** The alerts and the dashboard speak of metrics, labels and outcomes that a running gateway has. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parser } from '@prometheus-io/lezer-promql'
import { type Test, test } from 'tap'
import { parse } from 'yaml'
import { startGateway } from '../support/start-gateway.ts'
import { PUBLIC, startSurroundings, visitorsOf } from '../support/start-replicas.ts'
import { CHART, oneOf, renderChart } from './chart.ts'

interface Alerts {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string
      readonly expr: string
      readonly for?: string
      readonly labels: { readonly severity: string }
      readonly annotations: { readonly summary: string; readonly description: string }
    }[]
  }[]
}

interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly gridPos: { readonly x: number; readonly w: number }
  readonly targets?: readonly { readonly expr: string }[]
}

const alerts = parse(readFileSync(join(CHART, 'alerts/gatehouse.yaml'), 'utf8')) as Alerts
const dashboard = JSON.parse(readFileSync(join(CHART, 'dashboards/gatehouse.json'), 'utf8')) as {
  readonly panels: readonly Panel[]
}
const rules = alerts.groups.flatMap((group) => group.rules)

/** Labels that Prometheus adds to what it has read. */
const TARGET_LABELS = ['job', 'instance', 'le']

const EXPRESSIONS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(rules.map(({ alert, expr }) => [alert, expr])),
  ...Object.fromEntries(
    dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }, at) => [
        `${title} ${at}`,
        expr.replaceAll('$__rate_interval', '1m').replaceAll('$job', '.*'),
      ]),
    ),
  ),
}

/** Families of what a gateway tells, each with the labels of its series. */
async function familiesOf(t: Test) {
  const { provider, policies } = await startSurroundings(t)
  const gateway = await startGateway(t, { provider, policies })
  const { signIn, visit } = visitorsOf(t, [gateway])
  await visit(0, await signIn(0))
  await gateway.get(`${PUBLIC}/`)
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text()
  const families = new Map<string, Set<string>>()
  for (const [, name = ''] of text.matchAll(/^# TYPE (\S+) /gm)) families.set(name, new Set())
  for (const [, name = '', labels = ''] of text.matchAll(/^([a-z_0-9]+)\{(.*)\} /gm)) {
    const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''))
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) family?.add(label)
  }
  return families
}

interface Selector {
  readonly metric: string
  readonly labels: readonly string[]
}

/** What `expr` selects, and all labels that it names; an error where it is no PromQL. */
function readExpression(expr: string) {
  const selectors: Selector[] = []
  const labels: string[] = []
  parser.parse(expr).iterate({
    enter(node) {
      const text = expr.slice(node.from, node.to)
      if (node.type.isError) throw new Error(`no PromQL at \`${expr.slice(node.from)}\``)
      if (node.name === 'LabelName') labels.push(text)
      if (node.name === 'VectorSelector') {
        const metric = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(text)?.[0] ?? ''
        const own = [...text.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label)
        selectors.push({ metric, labels: own })
      }
    },
  })
  return { selectors, labels }
}

test('each metric, and each label of it, is there in a running gateway', async (t) => {
  const families = await familiesOf(t)
  const named = new Set<string>()
  for (const [name, expr] of Object.entries(EXPRESSIONS)) {
    const { selectors, labels } = readExpression(expr)
    t.ok(selectors.length > 0, `${name} selects something`)
    for (const { metric, labels: own } of selectors) {
      const family = metric.replace(/_(bucket|sum|count)$/, '')
      const known = families.get(metric) ?? families.get(family)
      t.ok(known !== undefined, `${name}: a gateway has \`${metric}\``)
      named.add(families.has(metric) ? metric : family)
      // Of a family without series the labels cannot be seen.
      if (known === undefined || known.size === 0) continue
      for (const label of own) {
        t.ok(known.has(label) || TARGET_LABELS.includes(label), `${name}: ${metric}{${label}}`)
      }
    }
    const all = new Set([...TARGET_LABELS, ...[...families.values()].flatMap((set) => [...set])])
    const unseen = new Set(['provider', 'result'])
    for (const label of labels) t.ok(all.has(label) || unseen.has(label), `${name}: ${label}`)
  }
  const ours = [...families.keys()].filter((name) => name.startsWith('gatehouse_'))
  t.comment(`shown or watched: ${named.size} families, ${ours.length} are ours`)
})

test('the alerts say what is wrong and what to do', async (t) => {
  t.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length)
  for (const { alert, labels, annotations } of rules) {
    t.match(labels.severity, /^(critical|warning)$/, alert)
    t.ok(annotations.summary !== '' && annotations.description !== '', alert)
  }
})

test('the dashboard is well-formed', async (t) => {
  t.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length)
  for (const { title, gridPos, type, targets = [] } of dashboard.panels) {
    t.ok(gridPos.x + gridPos.w <= 24, `${title} is on the page`)
    t.ok(type === 'row' || targets.length > 0, `${title} shows something`)
  }
})

test('the chart brings both as they are', async (t) => {
  const objects = renderChart({ example: 'git' })
  t.strictSame(oneOf(objects, 'PrometheusRule').spec, alerts)
  const { data = {} } = oneOf(objects, 'ConfigMap', '-dashboard')
  t.strictSame(JSON.parse(data['gatehouse.json'] ?? ''), dashboard)
})
