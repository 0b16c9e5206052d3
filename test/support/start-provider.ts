/** The development identity provider for tests: a real issuer with people that the test may choose. */

import { DEMO_PEOPLE } from '../../src/demo/people.ts'
import {
  type DevelopmentProvider,
  type DevelopmentProviderOptions,
  startDevelopmentProvider,
} from './development-provider.ts'
import type { Scope } from './scope.ts'

/** Starts it; it stops with the test. People default to the demo's four, redirect URIs to Gatehouse's on `publicUrl`. */
export async function startProvider(
  t: Scope,
  options: Partial<DevelopmentProviderOptions> & { readonly publicUrl?: string } = {},
): Promise<DevelopmentProvider> {
  const { publicUrl = 'http://localhost:8080', ...rest } = options
  const provider = await startDevelopmentProvider({
    redirectUris: [`${publicUrl}/oauth2/callback`],
    postLogoutRedirectUris: [publicUrl, `${publicUrl}/`, `${publicUrl}/.gatehouse/signed_out`],
    people: DEMO_PEOPLE,
    ...rest,
  })
  t.teardown(provider.close)
  return provider
}
