/** From Ingresses to routes: what is served, what is refused and why, held against the real route table. */

import { test } from 'tap'
import type { Config } from '../../src/config/schema.ts'
import { MOST_SECRETS, secretsOf } from '../../src/kubernetes/certificates.ts'
import { worthTelling } from '../../src/kubernetes/findings.ts'
import {
  readIngress,
  readIngressClass,
  readSecret,
  readService,
} from '../../src/kubernetes/objects.ts'
import { translate } from '../../src/kubernetes/translate.ts'
import { compilePolicies } from '../../src/policy/compile.ts'
import {
  INGRESS_CLASS,
  type IngressWords,
  ingress,
  service,
  serviceOf,
  tlsSecret,
} from '../support/cluster-objects.ts'
import { selfSigned } from '../support/self-signed.ts'
import type { Json } from '../support/start-cluster.ts'

const POLICIES = `
policies:
  staff: [{ allow: { or: [{ groups: staff }] } }]
  nights: [{ deny: { and: [{ header/x-night: "yes" }] } }]
routes:
  - { from: "https://file.example.com", to: "http://127.0.0.1:9" }
  - { from: "https://*.files.example.com", to: "http://127.0.0.1:9" }
`

interface Setting {
  readonly ingresses: readonly Json[]
  readonly classes?: readonly Json[]
  readonly services?: readonly Json[]
  readonly secrets?: readonly Json[]
  readonly kubernetes?: Partial<Config['kubernetes']>
  readonly tls?: boolean
}

/** What Ingresses come to beside the policy files. */
function judge(setting: Setting) {
  const { classes = [INGRESS_CLASS], services = [service(80)], secrets = [] } = setting
  const byKey = <T extends { namespace: string; name: string }>(all: readonly T[]) =>
    new Map(all.map((one) => [`${one.namespace}/${one.name}`, one]))
  const known = byKey(secrets.map(readSecret))
  const kubernetes = {
    ingress_class: 'gatehouse',
    namespaces: [],
    hosts: {},
    ...setting.kubernetes,
  }
  const server = {
    public_url: 'https://auth.example.com',
    tls: setting.tls === true ? [] : undefined,
  }
  const translation = translate(
    {
      classes: new Map(classes.map(readIngressClass).map((one) => [one.name, one])),
      ingresses: setting.ingresses.map(readIngress),
      services: byKey(services.map(readService)),
      secret: (namespace, name) => known.get(`${namespace}/${name}`) ?? 'missing',
    },
    { kubernetes, server } as unknown as Config,
    Date.now,
  )
  const { offers, ingresses } = translation
  const compiled = compilePolicies([{ file: 'p.yaml', text: POLICIES }], {
    readText: () => '',
    providers: undefined,
    allowHttp: false,
    offers: offers.routes,
    ownHosts: ['auth.example.com'],
    policiesAreOffered: true,
  })
  const findings = ingresses.flatMap(({ source, findings }) => [
    ...findings.map(({ reason, message }) => `${reason}: ${message}`),
    ...(compiled.refused.get(source)?.broken ?? []).map(({ message }) => `Refused: ${message}`),
    ...(compiled.refused.get(source)?.taken ?? []).map(({ message }) => `Conflict: ${message}`),
  ])
  const match = (host: string, path = '/') => compiled.table.host(host)?.match(path)
  const to = (host: string, path?: string) => match(host, path)?.to?.urls[0]?.origin
  return { offers, compiled, findings, match, to }
}

const one = (words: IngressWords = {}) => ingress({ host: 'app.example.com', ...words })

test('classes: by name, by annotation, by default; a foreign one is left alone', async (t) => {
  const without = (annotations: Json = {}) => {
    const object = one({ spec: { ingressClassName: undefined } })
    const metadata = object['metadata'] as Json
    return {
      ...object,
      metadata: {
        ...metadata,
        annotations: { ...(metadata['annotations'] as Json), ...annotations },
      },
    }
  }
  const legacy = { 'kubernetes.io/ingress.class': 'gatehouse' }
  const isDefault = { 'ingressclass.kubernetes.io/is-default-class': 'true' }
  const byDefault = { ...INGRESS_CLASS, metadata: { name: 'gatehouse', annotations: isDefault } }
  const foreign = { ...INGRESS_CLASS, spec: { controller: 'k8s.io/ingress-nginx' } }
  const served = (object: Json, classes: readonly Json[]) =>
    judge({ ingresses: [object], classes }).match('app.example.com') !== undefined
  t.ok(served(one(), [INGRESS_CLASS]))
  t.notOk(served(one(), []), 'no such class')
  t.notOk(served(one(), [foreign]), 'a class of the name with another controller')
  t.notOk(served(one({ spec: { ingressClassName: 'nginx' } }), [INGRESS_CLASS]))
  t.ok(served(without(legacy), []), 'the annotation names the class by itself')
  t.notOk(served(without({ 'kubernetes.io/ingress.class': 'nginx' }), [byDefault]))
  t.ok(served(without(), [byDefault]), 'neither: the default class')
  t.notOk(served(without(), [INGRESS_CLASS]), 'which ours need not be')
})

test('paths: Exact, Prefix by segment, ImplementationSpecific as Prefix; the most specific wins', async (t) => {
  const services = ['root', 'exact', 'prefix', 'own', 'deep'].map((name, index) =>
    service(8001 + index, {}, name),
  )
  const { to, match, findings } = judge({
    services,
    ingresses: [
      one({
        paths: [
          ['/', 'Prefix', 'root:http'],
          ['/exact', 'Exact', 'exact:http'],
          ['/prefix/', 'Prefix', 'prefix:http'],
          ['/own', 'ImplementationSpecific', 'own:http'],
          ['/prefix/deep', 'Prefix', 'deep:http'],
          ['/caf%C3%A9', 'Exact', 'deep:http'],
        ],
      }),
      one({ name: 'wild', host: '*.wild.example.com', paths: [['', 'Prefix', 'own:http']] }),
    ],
  })
  t.strictSame(findings, [])
  const expected: Readonly<Record<string, number>> = {
    '/': 8001,
    '/exact': 8002,
    '/exact/': 8001,
    '/exact/x': 8001,
    '/prefix': 8003,
    '/prefix/': 8003,
    '/prefix/x': 8003,
    '/prefixed': 8001,
    '/prefix/deep/x': 8005,
    '/own/x': 8004,
    '/owner': 8001,
    '/café': 8005,
  }
  for (const [path, port] of Object.entries(expected)) {
    t.equal(to('app.example.com', path), `http://127.0.0.1:${port}`, path)
  }
  t.equal(to('a.wild.example.com'), 'http://127.0.0.1:8004', 'a wildcard takes one label')
  t.equal(match('a.b.wild.example.com'), undefined)
  t.equal(match('wild.example.com'), undefined)
})

test('defaultBackend serves the rest of the hosts that the Ingress names, and no others', async (t) => {
  const services = [service(8001), service(8002, {}, 'rest')]
  const spec = { defaultBackend: { service: serviceOf('rest:http') } }
  const { to, findings } = judge({
    services,
    ingresses: [one({ paths: [['/a', 'Prefix', 'app:http']], spec })],
  })
  t.strictSame(findings, [])
  t.equal(to('app.example.com', '/a'), 'http://127.0.0.1:8001')
  t.equal(to('app.example.com', '/b'), 'http://127.0.0.1:8002')
  const alone = judge({ services, ingresses: [one({ spec: { ...spec, rules: [] } })] })
  t.match(alone.findings, [/^Refused: it has no rule with a `host`/])
  t.equal(alone.compiled.routes.length, alone.compiled.fileRoutes)
})

test('annotations: what concerns the app alone is taken', async (t) => {
  const { match, findings } = judge({
    ingresses: [
      one({
        annotations: {
          policy: 'staff, nights',
          description: 'The app',
          contact: 'team@example.com',
          timeout: '2m',
          idle_timeout: '0s',
          allow_websockets: 'true',
          websocket_origins: 'https://a.example.com, https://b.example.com',
          prefix_rewrite: '/inner',
          preserve_host_header: 'true',
        },
      }),
    ],
  })
  t.strictSame(findings, [])
  const route = match('app.example.com')
  t.match(route, {
    description: 'The app',
    contact: 'team@example.com',
    timeoutMs: 120_000,
    idleTimeoutMs: 0,
    allowWebsockets: true,
    preserveHostHeader: true,
    hostRewrite: undefined,
  })
  t.same(route?.websocketOrigins, new Set(['https://a.example.com', 'https://b.example.com']))
  t.strictSame(
    route?.policy.rules.map(({ name }) => name),
    ['staff', 'nights'],
  )
})

const REFUSED: Readonly<Record<string, readonly [Readonly<Record<string, string>>, RegExp]>> = {
  'a key that opens access': [
    { allow_public_unauthenticated_access: 'true' },
    /`gatehouse.dev\/allow_public_unauthenticated_access` cannot be set on an Ingress/,
  ],
  'one that touches identities': [{ set_request_headers: 'x' }, /cannot be set on an Ingress/],
  'one of TLS': [{ tls_skip_verify: 'true' }, /cannot be set on an Ingress/],
  'one of another upstream': [{ to: 'http://169.254.169.254' }, /cannot be set on an Ingress/],
  'a misspelt one': [{ time_out: '1s' }, /unknown annotation `gatehouse.dev\/time_out`.*timeout/],
  'one that JavaScript has': [{ constructor: 'x' }, /unknown annotation/],
  'a text that hides': [{ description: 'a\u202eb' }, /`gatehouse.dev\/description` is one line/],
  'a text without end': [{ contact: 'x'.repeat(201) }, /at most 200 characters/],
  'any origin': [{ websocket_origins: '*' }, /stands in policy files only/],
  'a value that is none': [{ timeout: 'long' }, /`timeout` takes a duration/],
  'a flag that is none': [{ allow_websockets: 'yes' }, /takes `true` or `false`/],
  'a path that climbs': [{ prefix_rewrite: '/../x' }, /`prefix_rewrite` is a plain path/],
  'a policy that is not there': [{ policy: 'stuff' }, /there is no policy `stuff`.*`staff`/],
  'an empty policy': [{ policy: ' , ' }, /is empty/],
}
for (const [what, [annotations, message]] of Object.entries(REFUSED)) {
  test(`annotations: ${what} is refused by name, and nobody is let in`, async (t) => {
    const bad = one({ annotations: { policy: 'staff', ...annotations } })
    const good = one({ name: 'good', host: 'good.example.com' })
    const { match, findings, compiled } = judge({ ingresses: [bad, good] })
    t.match(findings, [message])
    t.equal(findings.length, 1)
    t.match(match('app.example.com')?.policy, { rules: [], refusal: { reason: 'no-policy' } })
    t.equal(match('app.example.com')?.to, undefined)
    t.equal(match('good.example.com')?.policy.rules.length, 1, 'and others are served')
    t.strictSame(compiled.problems, [], 'which is no matter of the files')
  })
}

test('`kubernetes.policies` names those that may be picked', async (t) => {
  const { findings } = judge({
    ingresses: [one({ annotations: { policy: 'staff,nights' } })],
    kubernetes: { policies: ['staff'] },
  })
  t.match(findings, [/^Refused: the policy `nights` is not for Ingresses/])
})

const BACKENDS: Readonly<Record<string, readonly [Json, string, RegExp | string]>> = {
  'a port by number': [{ ports: [{ port: 8080 }] }, 'app:8080', 'http://127.0.0.1:8080'],
  'a port by name': [{ ports: [{ name: 'web', port: 81 }] }, 'app:web', 'http://127.0.0.1:81'],
  'an IPv6 address': [{ clusterIP: 'fd00::7' }, 'app:http', 'http://[fd00::7]'],
  https: [{ ports: [{ port: 443, appProtocol: 'HTTPS' }] }, 'app:443', 'https://127.0.0.1'],
  'a headless one': [
    { clusterIP: 'None', ports: [{ port: 80, targetPort: 3000 }] },
    'app:80',
    'http://app.team.svc:3000',
  ],
  'a headless one with a named port': [
    { clusterIP: 'None', ports: [{ port: 80, targetPort: 'web' }] },
    'app:80',
    /is headless/,
  ],
  'an ExternalName': [{ type: 'ExternalName' }, 'app:80', /ExternalName/],
  'another protocol': [
    { ports: [{ port: 80, appProtocol: 'kubernetes.io/ssh' }] },
    'app:80',
    /not served/,
  ],
  'a port that it has not': [{}, 'app:81', /has no port `81`; it has 80 \(http\)/],
  'a Service that is not there': [{}, 'none:80', /there is no Service `none`/],
}
for (const [what, [spec, backend, expected]] of Object.entries(BACKENDS)) {
  test(`backends: ${what}`, async (t) => {
    const { match, to, findings } = judge({
      services: [service(80, spec)],
      ingresses: [one({ paths: [['/', 'Prefix', backend]] })],
    })
    if (typeof expected === 'string') {
      t.equal(to('app.example.com'), expected)
      return t.strictSame(findings, [])
    }
    t.match(findings, [new RegExp(`^BackendUnavailable: .*${expected.source}`)])
    t.match(match('app.example.com'), { to: undefined, ownAnswer: { status: 503 } })
    return t.equal(match('app.example.com')?.policy.rules.length, 1, 'under the same policy')
  })
}

test('hosts belong to one namespace: the oldest Ingress’, whatever the order', async (t) => {
  const own = one({ createdAt: '2026-01-01T00:00:00Z' })
  const wild = one({ name: 'wild', host: '*.apps.example.com', createdAt: '2026-01-02T00:00:00Z' })
  const foreign = { namespace: 'other', createdAt: '2026-01-03T00:00:00Z' }
  const thief = one({ ...foreign, paths: [['/pay', 'Prefix', 'app:http']] })
  const below = one({ ...foreign, name: 'below', host: 'new.apps.example.com' })
  const services = [service(80), service(81, {}, 'app', 'other')]
  for (const ingresses of [
    [own, wild, thief, below],
    [below, thief, wild, own],
  ]) {
    const { to, findings } = judge({ ingresses, services })
    t.equal(to('app.example.com', '/pay'), 'http://127.0.0.1')
    t.equal(to('new.apps.example.com'), 'http://127.0.0.1', 'the wildcard’s')
    t.match(findings.sort(), [
      /^Conflict: the host `app.example.com` belongs to the older Ingress `team\/app`/,
      /^Conflict: the host `new.apps.example.com` belongs to the older Ingress `team\/wild`/,
    ])
  }
})

test('`kubernetes.hosts` gives hosts to namespaces', async (t) => {
  const bound = { payroll: ['pay.example.com', '*.hr.example.com'] }
  const at = (namespace: string, host: string) =>
    judge({
      ingresses: [one({ namespace, host })],
      kubernetes: { hosts: bound },
      services: [service(80, {}, 'app', namespace)],
    }).findings.join()
  t.equal(at('payroll', 'pay.example.com'), '')
  t.equal(at('payroll', 'a.hr.example.com'), '')
  t.equal(at('payroll', '*.hr.example.com'), '')
  t.match(at('payroll', 'app.example.com'), /the namespace `payroll` has no host/)
  t.equal(at('team', 'app.example.com'), '')
  t.match(at('team', 'pay.example.com'), /is kept for another namespace/)
  t.match(at('team', 'a.hr.example.com'), /is kept for another namespace/)
  t.match(at('constructor', 'pay.example.com'), /is kept for another namespace/)
})

test('what the files have is never taken', async (t) => {
  const at = (host: string) => judge({ ingresses: [one({ host })] }).findings.join()
  t.match(at('file.example.com'), /is a host of the policy files \(p.yaml:6\)/)
  t.match(at('a.files.example.com'), /`\*.files.example.com` is a host of the policy files/)
  t.match(at('*.files.example.com'), /is a host of the policy files/)
  t.match(at('auth.example.com'), /is the host of `server.public_url`/)
  t.match(at('*.example.com'), /would take `auth.example.com`/)
  t.equal(at('other.example.com'), '')
})

const HOSTILE: Readonly<Record<string, readonly [IngressWords, RegExp]>> = {
  'no host': [{ host: '' }, /a rule without `host` would take all hosts/],
  'a host that is an address': [{ host: '[::1]' }, /is no host/],
  'a wildcard in the middle': [{ host: 'a.*.example.com' }, /is no host/],
  'no paths': [{ paths: [] }, /has no paths, and there is no `defaultBackend`/],
  'our own paths': [{ paths: [['/.gatehouse', 'Exact', 'app:http']] }, /answered by Gatehouse/],
  'our own paths, encoded': [
    { paths: [['/%2egatehouse/x', 'Prefix', 'app:http']] },
    /answered by Gatehouse/,
  ],
  'an encoded slash': [{ paths: [['/a%2fb', 'Exact', 'app:http']] }, /encoded control, slash/],
  'dot segments': [{ paths: [['/a/../b', 'Exact', 'app:http']] }, /is never met/],
  'a path twice': [
    {
      paths: [
        ['/a', 'Prefix', 'app:http'],
        ['/a/', 'Prefix', 'app:http'],
      ],
    },
    /has the path `\/a` of `app.example.com` twice/,
  ],
  'a resource': [
    {
      spec: {
        rules: [
          {
            host: 'app.example.com',
            http: { paths: [{ path: '/', pathType: 'Prefix', backend: { resource: {} } }] },
          },
        ],
      },
    },
    /a backend is a Service/,
  ],
}
for (const [what, [words, message]] of Object.entries(HOSTILE)) {
  test(`an Ingress with ${what} harms only itself`, async (t) => {
    const good = one({ name: 'good', host: 'good.example.com' })
    const { findings, to, compiled } = judge({ ingresses: [one(words), good] })
    t.match(findings, [message])
    t.equal(to('good.example.com'), 'http://127.0.0.1')
    t.strictSame(compiled.problems, [])
  })
}

test('certificates are for the hosts that an Ingress has, and that they name', async (t) => {
  const pair = selfSigned(['app.example.com', 'auth.example.com'])
  const secrets = [tlsSecret('tls', pair), tlsSecret('odd', { cert: pair.cert, key: 'none' })]
  const at = (secretName: string, hosts: readonly string[], tls = true) => {
    const judged = judge({
      tls,
      secrets,
      ingresses: [one({ spec: { tls: [{ hosts, secretName }] } })],
    })
    const shown = judged.offers.certificates.flatMap(({ hosts }) => hosts)
    return [shown.join(), judged.findings.join()]
  }
  t.strictSame(at('tls', ['app.example.com', 'auth.example.com']), ['app.example.com', ''])
  t.strictSame(at('tls', []), ['app.example.com', ''], 'no hosts are all')
  t.strictSame(at('tls', ['other.example.com']), ['', ''])
  t.strictSame(at('', ['app.example.com']), ['', ''], 'no Secret: the default one')
  t.match(at('none', []), ['', /^CertificateUnavailable: there is no Secret `none`/])
  t.match(at('odd', []), ['', /the key cannot be read/])
  t.strictSame(at('none', [], false), ['', ''], 'where TLS does not end here none is read')
})

test('one Ingress holds up no other: what it may cost is bounded', async (t) => {
  const good = one({ name: 'good', host: 'good.example.com' })
  const many = (count: number, path: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => [path(index), 'Prefix', 'app:http'] as const)

  await t.test('a policy that is picked again and again', async (t) => {
    const policy = 'staff,nights,'.repeat(300)
    const { match, findings } = judge({ ingresses: [one({ annotations: { policy } }), good] })
    t.strictSame(findings, [])
    t.equal(match('app.example.com')?.policy.rules.length, 2, 'counts once')
    const long = 'staff,'.repeat(40_000)
    for (const annotations of [{ policy: long }, { policy: 'staff', websocket_origins: long }]) {
      const judged = judge({ ingresses: [one({ annotations }), good] })
      t.match(judged.findings, [/^Refused: `gatehouse.dev\/\w+` has more than 4096 characters/])
      t.match(judged.match('app.example.com')?.policy, { refusal: { reason: 'no-policy' } })
      t.equal(judged.match('good.example.com')?.policy.rules.length, 1)
    }
  })

  await t.test('paths without end', async (t) => {
    const { compiled, findings, match } = judge({
      ingresses: [one({ paths: many(5_000, (index) => `/p${index}`) }), good],
    })
    t.match(findings, [/^Refused: it has 5000 paths, and 1000 are the most/])
    t.equal(compiled.table.routes.filter(({ name }) => name.startsWith('app.')).length, 1)
    t.match(match('app.example.com', '/p4999')?.policy, { refusal: { reason: 'no-policy' } })
    t.equal(match('good.example.com')?.policy.rules.length, 1)
  })

  await t.test('a path of half a character', async (t) => {
    const { match } = judge({ ingresses: [one({ paths: many(1, () => '/\ud800') }), good] })
    t.equal(match('good.example.com')?.policy.rules.length, 1)
  })

  await t.test('mistakes without end are told as a few', async (t) => {
    const findings = Array.from({ length: 900 }, (_, index) => ({
      reason: 'Refused' as const,
      message: `mistake ${index}`,
    }))
    const told = worthTelling(findings)
    t.equal(told.length, 10)
    t.match(told.at(-1)?.message, '891 more things are wrong with it')
    t.equal(worthTelling(findings.slice(0, 10)).at(-1)?.message, 'mistake 9')
  })

  await t.test('Secrets without end', async (t) => {
    const tls = (count: number, name: (index: number) => string) =>
      Array.from({ length: count }, (_, index) => ({ hosts: [], secretName: name(index) }))
    const greedy = Array.from({ length: 4 }, (_, index) =>
      one({ name: `greedy${index}`, spec: { tls: tls(5_000, (at) => `s${index}-${at}`) } }),
    )
    const other = one({ namespace: 'other', spec: { tls: tls(1, () => 'own') } })
    const followed = [...secretsOf([...greedy, other].map(readIngress))]
    t.equal(followed.length, MOST_SECRETS + 1)
    t.ok(followed.includes('other/own'), 'others are not kept from theirs')
    const pair = selfSigned(['app.example.com'])
    const secrets = [tlsSecret('tls', pair)]
    const ingresses = [one({ spec: { tls: tls(5_000, () => 'tls') } })]
    const { findings, offers } = judge({ tls: true, secrets, ingresses })
    t.match(findings, [/^CertificateUnavailable: of its 5000 entries in `tls` the first 100 count/])
    t.equal(offers.certificates.length, 100)
  })
})
