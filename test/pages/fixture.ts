/** A gateway that shows every page: two sign-in services, a dead one, sites of all kinds, and people of the policy tests. */

import { scryptSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import type { Test } from 'tap'
import { formatPasswordHash } from '../../src/support/password-hash.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway, type TestGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { tempFolder, writeFiles } from '../support/temp-folder.ts'

export interface PagesFixture {
  readonly gateway: TestGateway
  readonly publicUrl: string
  /** The address of a site. */
  site(name: string, path?: string): string
}

const SITES = [
  ['grafana', 'Dashboards and alerts for all services'],
  ['wiki', 'Handbooks, decisions and meeting notes'],
  ['argo', 'What is deployed where, and what is next'],
  ['sentry', 'Errors of our apps, with who is on call'],
  ['payroll-reports', 'Monthly figures for team leads'],
  ['travel', 'Trips, tickets and expenses'],
  ['ledger', 'Bookkeeping of the northern branches'],
  ['canteen', 'This week’s menu'],
] as const

const TEAMS =
  'billing data depot design edge field kiosk legal mobile people sales search support'.split(' ')

export async function startPages(t: Test): Promise<PagesFixture> {
  const port = await freePort()
  const publicUrl = `http://localhost:${port}`
  const site = (name: string, path = '/') => `http://${name}.localhost:${port}${path}`
  const redirects = ['okta', 'partner'].map((name) => `${publicUrl}/oauth2/${name}`)
  const logos = tempFolder(t)
  writeFiles(logos, { 'logo.svg': LOGO })
  const provider = await startProvider(t, { publicUrl, redirectUris: redirects })
  const upstream = await startUpstream(t)
  const known = {
    issuer: provider.issuer,
    client_id: provider.clientId,
    client_secret: provider.clientSecret,
  }
  const salt = Buffer.alloc(16, 3)
  const key = scryptSync('correct horse', salt, 32, { N: 2 ** 14, r: 1, p: 1 })
  const gateway = await startGateway(t, {
    config: {
      server: {
        listen: `127.0.0.1:${port}`,
        public_url: publicUrl,
        rate_limits: { local_sign_in: '2/m' },
      },
      providers: {
        okta: { ...known, display_name: 'Okta', redirect_path: '/oauth2/okta' },
        partner: {
          ...known,
          display_name: 'Partner directory',
          redirect_path: '/oauth2/partner',
          email_domains: ['contractor.example'],
          directory: { kind: 'okta', url: 'http://127.0.0.1:9', api_token: 'nothing' },
        },
        broken: {
          issuer: 'http://127.0.0.1:9',
          client_id: 'x',
          client_secret: 'x',
          display_name: 'Old sign-in',
        },
      },
      local_admins: [
        { name: 'root', password_hash: formatPasswordHash({ logN: 14, r: 1, p: 1, salt, key }) },
      ],
      brand: {
        logo: join(logos, 'logo.svg'),
        name: 'Example Corp',
        color: '#0b5fff',
        contact: 'it-help@example.com',
      },
    },
    policies: { 'sites.yaml': await policiesOf(t, site, upstream.origin) },
  })
  writeFiles(join(gateway.folder, 'policies', 'testdata'), { 'subjects.yaml': SUBJECTS })
  return { gateway, publicUrl, site }
}

/** Too large to be a part of each page. */
const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32" viewBox="0 0 32 32"><!-- ${'x'.repeat(4_000)} -->
<rect width="32" height="32" rx="8" fill="#0b5fff"/><circle cx="16" cy="16" r="7" fill="#fff"/></svg>`

const SUBJECTS = `subjects:
  ana: { sub: demo-ana, email: ana@example.com, provider: okta, groups: [platform-engineers] }
  ben: { sub: demo-ben, email: ben@example.com, provider: okta, groups: [data-science] }
  chris: { sub: demo-chris, email: chris@example.com, provider: okta, groups: [platform-engineers, finance] }
  dora: { sub: demo-dora, email: dora@contractor.example, provider: partner, groups: unavailable }
`

async function policiesOf(
  t: Test,
  site: (name: string) => string,
  upstream: string,
): Promise<string> {
  const from = (name: string) => `from: "${site(name).slice(0, -1)}"`
  const open = SITES.map(
    ([name, about]) =>
      `  - { name: ${name}, ${from(name)}, description: "${about}", to: "${upstream}", allow_any_authenticated_user: true }`,
  )
  const many = TEAMS.flatMap((team) =>
    ['board', 'metrics', 'runbook', 'staging'].map(
      (what) =>
        `  - { name: ${team}-${what}, ${from(`${team}-${what}`)}, to: "${upstream}", allowed_domains: [example.com] }`,
    ),
  )
  return `
policies:
  finance-staff:
    - allow: { and: [{ groups: finance }, { domain: example.com }] }
    - deny: { and: [{ http_path: { starts_with: /archive } }, { not: [{ user: demo-chris }] }] }
routes:
${[...open, ...many].join('\n')}
  - { name: finance, ${from('finance')}, description: "Budgets and invoices", to: "${upstream}", policy: [{ use: finance-staff }] }
  - { name: vault, ${from('vault')}, to: "${upstream}", allowed_groups: [vault-keepers] }
  - { name: warehouse, ${from('warehouse')}, to: "http://127.0.0.1:9", allow_public_unauthenticated_access: true }
  - { name: maps, ${from('maps')}, to: "${await startSilent(t)}", timeout: 1s, allow_public_unauthenticated_access: true }
`
}

/** Takes requests and answers none. */
async function startSilent(t: Test): Promise<string> {
  const server = createServer(() => undefined)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Signs somebody in at one of the services, as people do. */
export async function signIn(page: Page, url: string, service: string, person: string) {
  await page.goto(url)
  await page.getByRole('link', { name: `Continue with ${service}` }).click()
  await page.getByRole('button', { name: person }).click()
  await page.waitForURL(url)
}
