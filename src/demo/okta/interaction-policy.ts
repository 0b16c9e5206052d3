/** When the Okta stand-in asks for a sign-in: as oidc-provider does, and when the last one was weaker than `acr_values` asks. */

import type { interactionPolicy } from 'oidc-provider'
import { base, Check } from 'oidc-provider/lib/helpers/interaction_policy/index.js'

/** Consent is asked for only where the request says so, and then given by the sign-in itself. */
export function acrPolicy(): interactionPolicy.DefaultPolicy {
  const policy = base()
  policy.get('consent')?.checks.clear()
  policy.get('login')?.checks.add(
    new Check('acr', 'the session is not strong enough', ({ oidc }) => {
      const asked = String(oidc.params?.['acr_values'] ?? '')
      if (asked === '' || oidc.result?.login !== undefined) return Check.NO_NEED_TO_PROMPT
      const meets = asked.split(' ').includes(String(oidc.session?.acr))
      return meets ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT
    }),
  )
  return policy
}
