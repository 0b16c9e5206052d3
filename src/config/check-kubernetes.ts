/** What a schema cannot say of `kubernetes`: hosts that are hosts, and one source of addresses. */

import { isIP } from 'node:net'
import { readAuthority } from '../routing/host-name.ts'
import type { Findings } from './findings.ts'
import type { KubernetesConfig } from './schema-kubernetes.ts'

export function checkKubernetes(kubernetes: KubernetesConfig, findings: Findings): void {
  for (const [namespace, hosts] of Object.entries(kubernetes.hosts)) {
    for (const [index, host] of hosts.entries()) {
      if (isHost(host.replace(/^\*\./, ''))) continue
      findings.error(
        ['kubernetes', 'hosts', namespace, index],
        `\`${host}\` is no host: write \`app.example.com\`, or \`*.example.com\` for one label`,
      )
    }
  }
  const { publish_address: addresses, publish_service: service } = kubernetes
  if (addresses !== undefined && service !== undefined) {
    findings.error(
      ['kubernetes', 'publish_address'],
      '`publish_address` beside `publish_service`: both say what addresses an Ingress has; drop one',
    )
  }
  for (const [index, address] of (addresses ?? []).entries()) {
    if (isIP(address) !== 0 || isHost(address)) continue
    findings.error(
      ['kubernetes', 'publish_address', index],
      `\`${address}\` is neither an address nor a host name`,
    )
  }
}

/** In lower case, as hosts of an Ingress are. */
function isHost(text: string): boolean {
  const read = readAuthority(text)
  return read?.name === text && !text.startsWith('[') && isIP(text) === 0
}
