/** What `gatehouse init` writes: a config, a policy with its test, and the secrets that the config refers to. */

import { randomBytes } from 'node:crypto'

export interface InitAnswers {
  /** Origin of sign-in and pages. */
  readonly publicUrl: string
  readonly provider: string
  readonly issuer: string
  readonly clientId: string
  /** Empty: a public client with PKCE. */
  readonly clientSecret: string
  /** Origin by which browsers know the app. */
  readonly from: string
  /** URL of the app. */
  readonly to: string
  /** Who may open it; empty: whoever has signed in. */
  readonly group: string
}

/** What is written, below the folder. */
export const INIT_PATHS = [
  'gatehouse.yaml',
  'policies/app.yaml',
  'policies/app_test.yaml',
  'policies/testdata/subjects.yaml',
  '.env',
] as const

/** Texts by path below the folder. */
export type InitFiles = Readonly<Record<(typeof INIT_PATHS)[number], string>>

const SECRET_BYTES = 32

export function initFiles(answers: InitAnswers): InitFiles {
  return {
    'gatehouse.yaml': configText(answers),
    'policies/app.yaml': policyText(answers),
    'policies/app_test.yaml': testText(answers),
    'policies/testdata/subjects.yaml': subjectsText(answers),
    '.env': environmentText(answers),
  }
}

/** The variable that holds the client secret. */
export function secretVariable(provider: string): string {
  return `${provider.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_CLIENT_SECRET`
}

/** What the provider has to know of this gateway. */
export function registeredUris({ publicUrl }: InitAnswers): { redirect: string; signOut: string } {
  return { redirect: `${publicUrl}/oauth2/callback`, signOut: `${publicUrl}/.gatehouse/signed_out` }
}

function configText(answers: InitAnswers): string {
  const { publicUrl, provider, issuer, clientId, clientSecret } = answers
  const url = new URL(publicUrl)
  const direct = url.protocol === 'http:'
  const port = direct ? url.port || '80' : '8080'
  return `server:
  listen: 127.0.0.1:${port}
  public_url: ${text(publicUrl)}
${direct ? '' : '  trusted_proxies: [127.0.0.1]      # the proxy in front that ends TLS; or write `tls:` here\n'}providers:
  ${provider}:
    issuer: ${text(issuer)}
    client_id: ${text(clientId)}
${clientSecret === '' ? '' : `    client_secret: "\${${secretVariable(provider)}}"\n`}    post_logout_redirect_uri: ${text(registeredUris(answers).signOut)}
session:
  secret: "\${GATEHOUSE_SECRET}"
  store: sqlite:sessions.db
policies: [policies/]
`
}

function policyText({ from, to, group }: InitAnswers): string {
  const who = group === '' ? '{ authenticated_user: true }' : `{ groups: ${text(group)} }`
  return `routes:
  - name: app
    from: ${text(from)}
    to: ${text(to)}
    policy:
      - allow: { or: [${who}] }
`
}

function testText({ from, group }: InitAnswers): string {
  const who = group === '' ? 'whoever has signed in' : 'members of the group'
  const allowed = group === '' ? '[ana, ben]' : '[ana]'
  return `suite: app
subjects: [ana, ben, anonymous]
tests:
  - name: ${who} may open the app
    request: ${text(`GET ${from}/`)}
    allow: ${allowed}
    because: { anonymous: { outcome: sign_in } }
`
}

function subjectsText({ group, provider }: InitAnswers): string {
  const groups = group === '' ? '[]' : `[${text(group)}]`
  return `# People for the tests: nobody real has to be in here.
subjects:
  ana: { sub: ana, email: ana@example.com, provider: ${provider}, groups: ${groups} }
  ben: { sub: ben, email: ben@example.com, provider: ${provider}, groups: [] }
`
}

function environmentText({ provider, clientSecret }: InitAnswers): string {
  const secret = randomBytes(SECRET_BYTES).toString('base64')
  const client =
    clientSecret === '' ? '' : `${secretVariable(provider)}=${shellText(clientSecret)}\n`
  return `# Secrets of gatehouse.yaml. Keep this file out of git.\nGATEHOUSE_SECRET=${secret}\n${client}`
}

/** A text in YAML, where \`\${\` is a reference. Every JSON text is one of YAML too. */
function text(value: string): string {
  const plain = /^[A-Za-z][A-Za-z0-9._/:@-]*$/.test(value) && !value.includes(': ')
  return plain ? value : JSON.stringify(value.replaceAll('${', '$${'))
}

/** Shells, systemd and container engines read it alike. */
function shellText(value: string): string {
  return /^[A-Za-z0-9._/+=:@~-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`
}
