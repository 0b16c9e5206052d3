/** Lines of configuration that every Apache with mod_auth_openidc of the tests and of the bench has. */

import type { DevelopmentProvider } from './development-provider.ts'

const MODULES = '/usr/lib/apache2/modules'
/** Path to which the provider sends people back. */
export const CALLBACK = '/oidc-callback'

export function loadModules(names: readonly string[]): string {
  return names.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')
}

/** Where it keeps what, and one process with threads. */
export function oneProcess(home: string): string {
  return `ServerRoot ${home}
DefaultRuntimeDir ${home}
PidFile ${home}/httpd.pid
User www-data
Group www-data
ErrorLog ${home}/error.log
StartServers 1
ServerLimit 1
ThreadLimit 128
ThreadsPerChild 128
MaxRequestWorkers 128
MinSpareThreads 1
MaxSpareThreads 128`
}

/** The client of `provider` that `origin` is: the code flow with PKCE, claims as headers. */
export function relyingParty(provider: DevelopmentProvider, origin: string): string {
  return `OIDCProviderMetadataURL ${provider.issuer}/.well-known/openid-configuration
OIDCClientID ${provider.clientId}
OIDCClientSecret ${provider.clientSecret}
OIDCRedirectURI ${origin}${CALLBACK}
OIDCCryptoPassphrase ${provider.clientSecret}
OIDCScope "openid profile email groups"
OIDCPKCEMethod S256
OIDCPassClaimsAs headers
OIDCSessionInactivityTimeout 3600`
}
