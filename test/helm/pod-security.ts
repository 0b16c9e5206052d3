/** The restricted Pod Security Standard (kubernetes.io/docs/concepts/security/pod-security-standards), control by control. */

import type { Container, PodSpec } from './chart.ts'

type Context = Readonly<Record<string, unknown>>

const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]

/** What keeps `pod` out of a namespace with `pod-security.kubernetes.io/enforce: restricted`. */
export function podSecurityMistakes(pod: PodSpec): readonly string[] {
  const containers = [...(pod.initContainers ?? []), ...pod.containers]
  return [
    ...['hostNetwork', 'hostPID', 'hostIPC'].filter((key) => pod[key] === true),
    ...(pod.volumes ?? []).flatMap((volume) =>
      Object.keys(volume)
        .filter((key) => key !== 'name' && !VOLUMES.includes(key))
        .map((key) => `volume ${volume['name']}: ${key}`),
    ),
    ...(pod.securityContext?.['sysctls'] === undefined ? [] : ['sysctls']),
    ...containers.flatMap((container) =>
      containerMistakes(container, pod.securityContext ?? {}).map(
        (mistake) => `container ${container.name}: ${mistake}`,
      ),
    ),
  ]
}

function containerMistakes({ ports, ...container }: Container, pod: Context): readonly string[] {
  const own: Context = container.securityContext ?? {}
  const effective = (key: string) => own[key] ?? pod[key]
  const capabilities = (own['capabilities'] ?? {}) as { drop?: string[]; add?: string[] }
  const seccomp = effective('seccompProfile') as { type?: string } | undefined
  const hostPorts = ((ports ?? []) as { hostPort?: number }[]).filter((port) => port.hostPort)
  const rules: Readonly<Record<string, boolean>> = {
    'runAsNonRoot is not true': effective('runAsNonRoot') === true,
    'runs as root': effective('runAsUser') !== 0,
    privileged: own['privileged'] !== true,
    'allowPrivilegeEscalation is not false': own['allowPrivilegeEscalation'] === false,
    'does not drop ALL': capabilities.drop?.includes('ALL') === true,
    'adds capabilities': (capabilities.add ?? []).every((name) => name === 'NET_BIND_SERVICE'),
    'no seccomp profile': ['RuntimeDefault', 'Localhost'].includes(seccomp?.type ?? ''),
    'takes a port of the host': hostPorts.length === 0,
    'unmasks /proc': [undefined, 'Default'].includes(own['procMount'] as string | undefined),
  }
  return Object.entries(rules).flatMap(([mistake, holds]) => (holds ? [] : [mistake]))
}
