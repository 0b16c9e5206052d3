/** What a schema cannot say of a provider's `directory`: one kind of credentials, an origin, and times in order. */

import { readClientKey } from '../support/client-key.ts'
import { isLoopback } from '../support/loopback.ts'
import { readServiceAccount } from '../support/service-account.ts'
import type { YamlPath } from '../support/yaml-document.ts'
import type { Findings } from './findings.ts'
import type { DirectoryConfig } from './schema-directory.ts'

const CREDENTIALS = ['api_token', 'service_account', 'service_app'] as const
/** Less would keep nothing for as long as one page takes to load. */
const LEAST_REFRESH_MS = 5_000

/** @param allowHttp the provider's opt-out */
export function checkDirectory(
  directory: DirectoryConfig,
  at: YamlPath,
  allowHttp: boolean,
  findings: Findings,
): void {
  checkUrl(directory.url, [...at, 'url'], allowHttp, findings)
  checkCredentials(directory, at, findings)
  if (directory.refresh < LEAST_REFRESH_MS) {
    findings.error([...at, 'refresh'], '`refresh` must be `5s` or more')
  }
  if (directory.max_stale < directory.refresh) {
    findings.error([...at, 'max_stale'], '`max_stale` must not be shorter than `refresh`')
  }
}

function checkUrl(text: string, at: YamlPath, allowHttp: boolean, findings: Findings): void {
  const url = /[\s\\]/.test(text) ? null : URL.parse(text)
  const isOrigin =
    url !== null && /^https?:$/.test(url.protocol) && (text === url.origin || text === url.href)
  if (!isOrigin || url.pathname !== '/' || url.search !== '' || url.username !== '') {
    findings.error(
      at,
      "`url` must be the organisation's origin and nothing more, such as `https://acme.okta.com`",
    )
  } else if (url.protocol === 'http:' && !isLoopback(url.hostname) && !allowHttp) {
    findings.error(
      at,
      "`url` must be https: the credentials of the directory go there; the provider's `allow_http: true` overrides that",
    )
  }
}

function checkCredentials(directory: DirectoryConfig, at: YamlPath, findings: Findings): void {
  const written = CREDENTIALS.filter((name) => directory[name] !== undefined)
  const names = CREDENTIALS.map((name) => `\`${name}\``).join(', ')
  if (written.length === 0) {
    findings.error(at, `\`directory\` needs credentials: one of ${names}`)
  } else if (written.length > 1) {
    findings.error([...at, written[1] ?? ''], `\`directory\` takes only one of ${names}`)
  }
  const { service_account: account, service_app: app } = directory
  if (account !== undefined && readServiceAccount(account.reveal()) === undefined) {
    findings.error(
      [...at, 'service_account'],
      '`service_account` must be base64 of `{"api_key": "..."}`, or an API token',
    )
  }
  const key = app === undefined ? undefined : readClientKey(app.private_key.reveal())
  if (typeof key === 'string') {
    findings.error([...at, 'service_app', 'private_key'], `\`private_key\` ${key}`)
  }
}
