/** Values that one mode of the chart alone reads. */

import { anyList, anyMapping, flag, group, number, text, texts } from './values-words.ts'

export const SIDECAR = group('The mode sidecar: one app, Gatehouse beside it in the same pods.', {
  podSelector: anyMapping("Labels of the app's pods, for the Service and the network policy."),
  replicas: number(
    'Pods of the app; more than one need Redis, or each asks for a sign-in of its own.',
    1,
  ),
  appPort: number('Port on which the app listens, on loopback at best.', 3000, 1),
  from: text('URL under which the app is opened, as in `https://grafana.example.com`.', ''),
  policy: anyList('Who may: rules of the policy language. Without one nobody may.'),
  route: anyMapping('Further keys of the route, such as `allow_websockets`.'),
})

export const INGRESS_CONTROLLER = group(
  'The mode gateway as an ingress controller (docs/kubernetes-ingress.md): `config.kubernetes` says the rest.',
  {
    enabled: flag(
      'Serves Ingresses: `--kubernetes`, the rights for it, and the token that they need.',
      false,
    ),
    createClass: flag('Makes the IngressClass; one release of a cluster does.', true),
  },
)

const headers = texts(
  'Names that Gatehouse answers with; left empty: those of `config.identity_headers`, and `Cookie`.',
)

export const FORWARD_AUTH = group('The mode forward-auth: what the other proxy needs.', {
  hosts: texts('Hosts of the apps, whose `/.gatehouse/` goes to Gatehouse.'),
  headers,
  ingressNginx: group(
    'ingress-nginx: an Ingress for `/.gatehouse/`; the notes show the annotations.',
    {
      enabled: flag('Makes it.', false),
      className: text('Class of the Ingress.', 'nginx'),
      tls: anyList('Its `tls`, as Kubernetes has it.'),
    },
  ),
  traefik: group('Traefik: a Middleware, and an IngressRoute for `/.gatehouse/`.', {
    enabled: flag('Makes them.', false),
    entryPoints: texts('Entry points of the IngressRoute.', ['websecure']),
    namespaces: texts("Namespaces that get the Middleware; left empty: the release's own."),
    tls: anyMapping("The IngressRoute's `tls`, as Traefik has it."),
  }),
  envoyGateway: group(
    'Envoy Gateway: a SecurityPolicy for each route, an HTTPRoute for `/.gatehouse/`, and a ClientTrafficPolicy that drops what clients send under the names of the identity headers.',
    {
      enabled: flag('Makes them.', false),
      gateway: group('The Gateway that the apps hang on.', {
        name: text('Its name.', ''),
        namespace: text("Its namespace; left empty: the release's.", ''),
      }),
      routes: anyList('HTTPRoutes of the apps, as `{ name: ..., namespace: ... }`.'),
      clientTrafficPolicy: flag(
        'Makes the ClientTrafficPolicy. A Gateway has one alone: where yours has one, turn this off and remove the names there.',
        true,
      ),
    },
  ),
  caddy: group('Caddy: a ConfigMap with a snippet to import.', {
    enabled: flag('Makes it.', false),
  }),
})
