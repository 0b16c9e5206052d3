/** Values that the chart is rendered with: each example, and what people change of it. */

import type { Example } from './chart.ts'

export interface Rendering {
  readonly example: Example
  readonly values?: unknown
}

const METRICS_FROM = [{ namespaceSelector: { matchLabels: { team: 'monitoring' } } }]
const NO_REDIS = { redis: { url: '', secret: { name: '' } } }

export const MATRIX: Readonly<Record<string, Rendering>> = {
  'the example of a gateway': { example: 'gateway' },
  'the example with git': { example: 'git' },
  'the example of a sidecar': { example: 'sidecar' },
  'the example of forward-auth': { example: 'forward-auth' },
  'one pod with sqlite on a claim': {
    example: 'gateway',
    values: {
      replicas: 1,
      store: { kind: 'sqlite', ...NO_REDIS, sqlite: { size: '1Gi', storageClassName: 'fast' } },
    },
  },
  'one pod with sqlite on an existing claim': {
    example: 'gateway',
    values: { replicas: 1, store: { kind: 'sqlite', sqlite: { existingClaim: 'sessions' } } },
  },
  'one pod with sessions in memory': {
    example: 'gateway',
    values: { replicas: 1, store: { kind: 'memory' } },
  },
  'Redis with TLS as a cluster': {
    example: 'gateway',
    values: {
      store: { redis: { url: 'rediss-cluster://a:6379,b:6379', secret: { name: '' } } },
    },
  },
  'autoscaling with a behaviour of its own': {
    example: 'gateway',
    values: {
      autoscaling: {
        enabled: true,
        minReplicas: 3,
        behavior: { scaleDown: { stabilizationWindowSeconds: 600 } },
      },
    },
  },
  'TLS in the pods, IPv6, a load balancer': {
    example: 'gateway',
    values: {
      tls: ['auth.example.com', 'grafana-tls'],
      listenAddress: '[::]',
      service: { type: 'LoadBalancer', port: 443, annotations: { zone: 'a' } },
      ingress: { enabled: false },
    },
  },
  'everything of a pod': {
    example: 'gateway',
    values: {
      nameOverride: 'front',
      image: { repository: 'registry.example.com/gatehouse', digest: `sha256:${'0'.repeat(64)}` },
      imagePullSecrets: [{ name: 'registry' }],
      runAsUser: 20001,
      terminationGracePeriodSeconds: 120,
      podAnnotations: { note: 'x' },
      podLabels: { team: 'platform' },
      nodeSelector: { 'kubernetes.io/arch': 'arm64' },
      tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }],
          },
        },
      },
      priorityClassName: 'system-cluster-critical',
      serviceAccount: { create: false },
      topologySpread: { topologyKeys: ['kubernetes.io/hostname'], maxSkew: 2 },
      extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }],
      extraVolumes: [{ name: 'ca', configMap: { name: 'corporate-ca' } }],
      extraVolumeMounts: [{ name: 'ca', mountPath: '/etc/gatehouse/ca', readOnly: true }],
      resources: { requests: { cpu: '1', memory: '256Mi' }, limits: { memory: '1Gi' } },
    },
  },
  'no network policy, no budget, no spread': {
    example: 'gateway',
    values: {
      networkPolicy: { enabled: false },
      podDisruptionBudget: { enabled: false },
      topologySpread: { topologyKeys: [] },
    },
  },
  'egress is named': {
    example: 'gateway',
    values: {
      networkPolicy: {
        egress: [{ to: [{ podSelector: {} }], ports: [{ port: 6379, protocol: 'TCP' }] }],
      },
    },
  },
  'policies from every source at once': {
    example: 'gateway',
    values: {
      policies: {
        inline: { 'text.yaml': 'routes: []\n' },
        configMaps: ['team-a.policies', 'team-b'],
        git: {
          repository: 'https://git.example.com/policies.git',
          token: { secret: 'git-token' },
        },
      },
    },
  },
  'everything is watched': {
    example: 'gateway',
    values: {
      networkPolicy: { metricsFrom: METRICS_FROM },
      serviceMonitor: { enabled: true, interval: '10s' },
      prometheusRule: { enabled: true },
      dashboard: { enabled: true },
    },
  },
  'a sidecar with Redis, git and several pods': {
    example: 'sidecar',
    values: {
      sidecar: { replicas: 3 },
      store: { kind: 'redis', redis: { url: 'redis://redis:6379' } },
      policies: { git: { repository: 'git@example.com:p.git', ssh: { secret: 'key' } } },
      networkPolicy: { metricsFrom: METRICS_FROM },
      serviceMonitor: { enabled: true },
    },
  },
  'an ingress controller for the whole cluster, where TLS ends': {
    example: 'gateway',
    values: { tls: ['example-com'], ingressController: { enabled: true } },
  },
  'an ingress controller for two namespaces': {
    example: 'gateway',
    values: {
      ingressController: { enabled: true, createClass: false },
      config: {
        kubernetes: { namespaces: ['team-a', 'team-b'], publish_service: 'front/gatehouse' },
      },
    },
  },
  'forward-auth for one Traefik, with other header names': {
    example: 'forward-auth',
    values: {
      config: { identity_headers: { headers: { 'X-User': 'email' }, preset: 'pomerium' } },
      forwardAuth: {
        ingressNginx: { enabled: false },
        envoyGateway: { enabled: false },
        caddy: { enabled: false },
        traefik: { namespaces: [], tls: { secretName: 'grafana' } },
      },
    },
  },
  'forward-auth for Envoy Gateway in the same namespace': {
    example: 'forward-auth',
    values: {
      forwardAuth: {
        envoyGateway: {
          gateway: { name: 'public', namespace: '' },
          routes: [{ name: 'grafana' }],
          clientTrafficPolicy: false,
        },
      },
    },
  },
}

/** What is refused, and a part of the reason. */
export const REFUSALS: Readonly<Record<string, Rendering & { readonly because: RegExp }>> = {
  'three pods with sqlite': {
    example: 'gateway',
    values: { store: { kind: 'sqlite' } },
    because: /replicas: 3 needs a store that all pods share, and `sqlite` is one pod's own/,
  },
  'two pods with sessions in memory': {
    example: 'gateway',
    values: { replicas: 2, store: { kind: 'memory' } },
    because: /replicas: 2 needs a store that all pods share/,
  },
  'autoscaling with sqlite': {
    example: 'gateway',
    values: {
      replicas: 1,
      store: { kind: 'sqlite' },
      autoscaling: { enabled: true, minReplicas: 1, maxReplicas: 2 },
    },
    because: /autoscaling\.maxReplicas: 2 needs a store that all pods share/,
  },
  'several pods of an app with sqlite each': {
    example: 'sidecar',
    values: { sidecar: { replicas: 2 } },
    because: /sidecar\.replicas: 2 needs a store/,
  },
  'Redis without a URL': {
    example: 'gateway',
    values: { store: { redis: { secret: { name: '' } } } },
    because: /store\.redis\.url or store\.redis\.secret\.name is missing/,
  },
  'a password in the values': {
    example: 'gateway',
    values: { store: { redis: { url: 'redis://:pw@redis:6379', secret: { name: '' } } } },
    because: /store\.redis\.url has a password in it/,
  },
  'a URL of something else': {
    example: 'gateway',
    values: { store: { redis: { url: 'http://redis:6379', secret: { name: '' } } } },
    because: /must begin with redis:\/\//,
  },
  'a secret written out': {
    example: 'gateway',
    values: { config: { providers: { okta: { client_secret: 'hunter2' } } } },
    because: /client_secret/,
  },
  'an environment variable that nobody gives': {
    example: 'gateway',
    values: { config: { brand: { contact: `\${HELP_DESK}` } } },
    because: /config names \$\{HELP_DESK\}, which the pods do not have/,
  },
  'a key of the config that there is not': {
    example: 'gateway',
    values: { config: { server: { publicUrl: 'https://x.example.com' } } },
    because: /publicUrl/,
  },
  'a value that there is not': {
    example: 'gateway',
    values: { replica: 3 },
    because: /replica/,
  },
  'another mode': { example: 'gateway', values: { mode: 'ambient' }, because: /mode/ },
  'listen in the config': {
    example: 'gateway',
    values: { config: { server: { listen: '0.0.0.0:80' } } },
    because: /config\.server\.listen is written by the chart: use ports\.http/,
  },
  'a store in the config': {
    example: 'gateway',
    values: { config: { session: { store: 'memory:' } } },
    because: /config\.session\.store is written by the chart/,
  },
  'policies in the config': {
    example: 'gateway',
    values: { config: { policies: ['policies/'] } },
    because: /config\.policies is written by the chart/,
  },
  'no policies': {
    example: 'gateway',
    values: { policies: { inline: null } },
    because: /there are no policies, and without a route nothing is served/,
  },
  'a policy file with another ending': {
    example: 'gateway',
    values: { policies: { inline: { 'grafana.yml': 'routes: []' } } },
    because: /`grafana\.yml` is no name of a policy file/,
  },
  'a grace period that is too short': {
    example: 'gateway',
    values: { terminationGracePeriodSeconds: 35 },
    because: /terminationGracePeriodSeconds: 35 is not more than drain_delay and drain_timeout/,
  },
  'a drain time that cannot be read': {
    example: 'gateway',
    values: { config: { server: { drain_timeout: `\${DRAIN}` } }, extraEnv: [{ name: 'DRAIN' }] },
    because: /config\.server\.drain_timeout must be a duration/,
  },
  'a ServiceMonitor that nobody lets in': {
    example: 'gateway',
    values: { serviceMonitor: { enabled: true } },
    because: /serviceMonitor\.enabled needs networkPolicy\.metricsFrom/,
  },
  'both a key and a token for git': {
    example: 'git',
    values: { policies: { git: { token: { secret: 'x' } } } },
    because: /both a key \(ssh\) and a token/,
  },
  'forward-auth that nobody may ask': {
    example: 'forward-auth',
    values: { config: { forward_auth: { trusted_proxies: [] } } },
    because: /config\.forward_auth\.trusted_proxies is missing/,
  },
  'forward-auth without hosts': {
    example: 'forward-auth',
    values: { forwardAuth: { hosts: [] } },
    because: /forwardAuth\.hosts is missing/,
  },
  'a sidecar of no pods': {
    example: 'sidecar',
    values: { sidecar: { podSelector: null } },
    because: /sidecar\.podSelector is missing/,
  },
  'a sidecar on the port of its app': {
    example: 'sidecar',
    values: { sidecar: { appPort: 8080 } },
    because: /sidecar\.appPort and ports\.http are the same port/,
  },
  'an Ingress without hosts': {
    example: 'gateway',
    values: { ingress: { hosts: [] } },
    because: /ingress\.hosts is missing/,
  },
  'an HTTPRoute without a Gateway': {
    example: 'git',
    values: { httpRoute: { parentRefs: [] } },
    because: /httpRoute\.parentRefs is missing/,
  },
  'an ingress controller beside an app': {
    example: 'sidecar',
    values: { ingressController: { enabled: true } },
    because: /ingressController\.enabled is for the mode gateway/,
  },
  root: { example: 'gateway', values: { runAsUser: 0 }, because: /runAsUser/ },
}
