/**
 * The package's main file warns on stderr under every Node release that is not an LTS one yet, and its default store
 * warns that it forgets: the modules behind them do the same work in silence.
 */

declare module 'oidc-provider/lib/provider.js' {
  export { default as Provider } from 'oidc-provider'
}

declare module 'oidc-provider/lib/adapters/memory_adapter.js' {
  import type { AdapterFactory } from 'oidc-provider'
  export function createMemoryAdapter(clockTolerance?: number): AdapterFactory
}

declare module 'oidc-provider/lib/helpers/errors.js' {
  import { errors } from 'oidc-provider'
  export const AccessDenied: typeof errors.AccessDenied
  export const InvalidRequest: typeof errors.InvalidRequest
}

declare module 'oidc-provider/lib/helpers/interaction_policy/index.js' {
  import { interactionPolicy } from 'oidc-provider'
  export const base: typeof interactionPolicy.base
  export const Check: typeof interactionPolicy.Check
}
