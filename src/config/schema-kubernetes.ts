/** The section `kubernetes` of the config file: what `serve --kubernetes` takes from a cluster. */

import { type Static, Type } from 'typebox'
import { closed } from './schema-values.ts'

export const KubernetesConfig = Type.Object(
  {
    ingress_class: Type.String({
      default: 'gatehouse',
      minLength: 1,
      description:
        'Name of the IngressClass whose Ingresses are served; its controller is `gatehouse.dev/ingress`.',
    }),
    namespaces: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description: 'Namespaces whose Ingresses are served; empty: all.',
    }),
    policies: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'Named policies that an Ingress may pick; left out: all of them.',
      }),
    ),
    hosts: Type.Record(Type.String(), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }), {
      default: {},
      description:
        'Hosts by namespace, as in `payroll: [payroll.example.com, "*.hr.example.com"]`: such a namespace has no others, and no other namespace has these.',
    }),
    publish_service: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9.-]+/[a-z0-9.-]+$',
        'x-expects': 'a namespace and a name such as `gatehouse/gatehouse`',
        description:
          'Service in front of Gatehouse, as in `gatehouse/gatehouse`: its addresses are written to the status of each Ingress.',
      }),
    ),
    publish_address: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description: 'Addresses or host names to write there, in place of those of a Service.',
      }),
    ),
  },
  { ...closed, description: 'For `gatehouse serve --kubernetes` (docs/kubernetes-ingress.md).' },
)
export type KubernetesConfig = Static<typeof KubernetesConfig>
