/** The chart's values: type, default and meaning of every one, once; the values file, its schema and the table come from it. */

import { type TSchema, Type } from 'typebox'
import { configValues } from './config-values.ts'
import { FORWARD_AUTH, INGRESS_CONTROLLER, SIDECAR } from './values-of-modes.ts'
import {
  anyList,
  anyMapping,
  choice,
  flag,
  group,
  number,
  secretKey,
  text,
  texts,
} from './values-words.ts'

const ENV_NAME = '^[A-Za-z_][A-Za-z0-9_]*$'

const Image = (repository: string, tag: string, ofWhat: string) =>
  group(`Image of ${ofWhat}.`, {
    repository: text('Its name, with the registry where there is one.', repository),
    tag: text(tag === '' ? "Its tag; left empty: the chart's `appVersion`." : 'Its tag.', tag),
    digest: text('`sha256:...`; where it is set the tag is not used.', ''),
    pullPolicy: choice('When it is pulled.', ['IfNotPresent', 'Always', 'Never'], 'IfNotPresent'),
  })

const resources = (cpu: string, memory: string, most: string): TSchema =>
  anyMapping('What the container asks for, and may take at most.', {
    requests: { cpu, memory },
    limits: { memory: most },
  })

const Git = group('Policies from a git repository, kept up to date by a git-sync container.', {
  repository: text('URL of the repository; left empty: none.', ''),
  ref: text('Branch, tag or commit.', 'main'),
  path: text('Folder of the policies in the repository; left empty: all of it.', ''),
  period: text('How often the repository is asked.', '10s'),
  ssh: group('Key for `git@` and `ssh://` URLs.', {
    secret: text('Name of the Secret; left empty: no key.', ''),
    key: text('Its key with the private key.', 'ssh'),
    knownHostsKey: text("Its key with the server's host keys.", 'known_hosts'),
  }),
  token: group('Token for https URLs.', {
    secret: text('Name of the Secret; left empty: no token.', ''),
    key: text('Its key with the token.', 'token'),
    username: text('User name that goes with it.', 'git'),
  }),
  image: Image('registry.k8s.io/git-sync/git-sync', 'v4.4.0', 'git-sync'),
  resources: resources('10m', '64Mi', '256Mi'),
})

const Policies = group('Where policies come from; several sources add up.', {
  inline: anyMapping(
    'Policy files by name, such as `grafana.yaml`, as mappings or as text; they go into a ConfigMap.',
  ),
  files: text(
    'Files within the chart, as in `policies/*.yaml`, for a chart that holds this one as a copy.',
    '',
  ),
  configMaps: texts('Names of existing ConfigMaps that hold policy files.'),
  git: Git,
})

const Store = group('Where sessions are kept.', {
  kind: choice(
    'Left empty: `redis` in the modes gateway and forward-auth, `sqlite` in the mode sidecar.',
    ['', 'redis', 'sqlite', 'memory'],
    '',
  ),
  redis: group('Redis: one server, Sentinel or cluster.', {
    url: text('As in `redis://redis:6379`; one with a password belongs into a Secret.', ''),
    secret: secretKey('The URL in a Secret, in place of `url`', 'url'),
  }),
  sqlite: group('A file of one pod.', {
    size: text('Size of a volume claim; left empty: an emptyDir, which ends with the pod.', ''),
    storageClassName: text("Its class; left empty: the cluster's default.", ''),
    existingClaim: text('An existing claim, in place of a new one.', ''),
  }),
})

const Exposure = {
  service: group('The Service in front of the pods.', {
    type: choice('Its type.', ['ClusterIP', 'NodePort', 'LoadBalancer'], 'ClusterIP'),
    port: number('Its port.', 80),
    annotations: anyMapping('Its annotations.'),
    appProtocol: text('As in `kubernetes.io/h2c`, with `server.h2c`; left empty: none.', ''),
  }),
  ingress: group('An Ingress in front of the Service.', {
    enabled: flag('Makes one.', false),
    className: text("Its class; left empty: the cluster's default.", ''),
    annotations: anyMapping('Its annotations.'),
    hosts: texts('Hosts, all paths of which go to Gatehouse.'),
    tls: anyList('Its `tls`, as Kubernetes has it.'),
  }),
  httpRoute: group('A Gateway API HTTPRoute in front of the Service.', {
    enabled: flag('Makes one.', false),
    annotations: anyMapping('Its annotations.'),
    parentRefs: anyList('The Gateways that it hangs on, as Gateway API has it.'),
    hostnames: texts("Hosts; left empty: the listener's."),
  }),
  networkPolicy: group('Who may reach the pods.', {
    enabled: flag('Makes one.', true),
    from: anyList('Peers that may reach the public port; left empty: all.'),
    metricsFrom: anyList('Peers that may reach the admin port; left empty: only the nodes.'),
    egress: anyList('Egress rules; left empty: pods may reach everything.'),
  }),
}

const Scaling = {
  replicas: number('Pods; more than one need a store that they share, which is Redis.', 2),
  autoscaling: group('A HorizontalPodAutoscaler, in place of `replicas`.', {
    enabled: flag('Makes one.', false),
    minReplicas: number('Least number of pods.', 2),
    maxReplicas: number('Greatest number of pods.', 6),
    targetCPUUtilizationPercentage: number('CPU of the request that it aims at.', 70),
    behavior: anyMapping('Its `behavior`, as Kubernetes has it.'),
  }),
  podDisruptionBudget: group('How many pods may be away at once for maintenance.', {
    enabled: flag('Makes one where there is more than one pod.', true),
    maxUnavailable: number('Pods that may be away.', 1),
  }),
  topologySpread: group('Spreads the pods.', {
    topologyKeys: texts('Over what.', ['kubernetes.io/hostname', 'topology.kubernetes.io/zone']),
    whenUnsatisfiable: choice(
      'What happens where that cannot be.',
      ['ScheduleAnyway', 'DoNotSchedule'],
      'ScheduleAnyway',
    ),
    maxSkew: number('By how many pods they may differ.', 1),
  }),
}

const Monitoring = {
  serviceMonitor: group('A ServiceMonitor of the Prometheus operator.', {
    enabled: flag('Makes one; `networkPolicy.metricsFrom` must then let Prometheus in.', false),
    interval: text('How often it asks.', '30s'),
    labels: anyMapping('Labels that the Prometheus selects by.'),
  }),
  prometheusRule: group('The alerts of `alerts/gatehouse.yaml` as a PrometheusRule.', {
    enabled: flag('Makes one.', false),
    labels: anyMapping('Labels that the Prometheus selects by.'),
  }),
  dashboard: group('The dashboard of `dashboards/gatehouse.json` as a ConfigMap for Grafana.', {
    enabled: flag('Makes one.', false),
    labels: anyMapping("Labels that Grafana's sidecar selects by.", { grafana_dashboard: '1' }),
  }),
}

const Pods = {
  resources: resources('100m', '192Mi', '512Mi'),
  terminationGracePeriodSeconds: number(
    '0: `drain_delay` and `drain_timeout` of the config, and 10 s. What is set must be more than these two.',
    0,
  ),
  runAsUser: number('User and group of the process; never 0.', 10001, 1),
  serviceAccount: group(
    'The account of the pods; its token is mounted for the ingress controller alone.',
    {
      create: flag('Makes one.', true),
      name: text("Its name; left empty: the release's, or `default` where none is made.", ''),
      annotations: anyMapping('Its annotations.'),
    },
  ),
  podAnnotations: anyMapping('Annotations of the pods.'),
  podLabels: anyMapping('Labels of the pods.'),
  nodeSelector: anyMapping('Nodes that they may run on.'),
  tolerations: anyList('Taints that they bear.'),
  affinity: anyMapping('Their affinity.'),
  priorityClassName: text('Their priority class.', ''),
  extraVolumes: anyList(`Further volumes, for \`\${file:...}\` in the config for one.`),
  extraVolumeMounts: anyList('Where they are mounted.'),
}

/** All values; the order is that of the file. */
export function chartValues(): TSchema {
  return group('', {
    mode: choice(
      'gateway: a proxy of its own. sidecar: config, policy and network policy for a container beside an app. forward-auth: decisions for another proxy.',
      ['gateway', 'sidecar', 'forward-auth'],
      'gateway',
    ),
    nameOverride: text("In place of the chart's name.", ''),
    fullnameOverride: text('Name of all objects.', ''),
    image: Image('gatehouse', '', 'Gatehouse'),
    imagePullSecrets: anyList('Secrets that images are pulled with, as `{ name: ... }`.'),
    ...Scaling,
    config: configValues(),
    secrets: Type.Record(
      Type.String({ pattern: ENV_NAME }),
      Type.Object(
        { secret: Type.String({ minLength: 1 }), key: Type.String({ minLength: 1 }) },
        { additionalProperties: false },
      ),
      {
        default: {},
        description: `Environment variables from Secrets, as in \`OKTA_CLIENT_SECRET: { secret: gatehouse, key: okta }\`; the config names them as \`\${OKTA_CLIENT_SECRET}\`.`,
      },
    ),
    extraEnv: anyList('Further environment variables, as Kubernetes has them.'),
    store: Store,
    policies: Policies,
    tls: texts('Names of TLS Secrets; the public port then speaks TLS, chosen by SNI.'),
    listenAddress: choice(
      'Address on which the pods listen; `[::]` where pods have IPv6 addresses.',
      ['0.0.0.0', '[::]'],
      '0.0.0.0',
    ),
    ports: group('Ports of the pods.', {
      http: number('For browsers and clients.', 8080),
      admin: number('Health and metrics; the rest of it asks for `server.admin_token`.', 9901),
    }),
    ...Exposure,
    ingressController: INGRESS_CONTROLLER,
    sidecar: SIDECAR,
    forwardAuth: FORWARD_AUTH,
    ...Monitoring,
    ...Pods,
  })
}
