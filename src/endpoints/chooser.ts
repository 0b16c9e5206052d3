/** Which of several providers signs somebody in: by name, by the domain of their e-mail, or as they choose on a page. */

import type { Provider } from '../identity/provider/provider.ts'
import { renderJson } from '../pages/render.ts'
import { renderChooser } from '../pages/sign-in-pages.ts'
import { emailDomain, foldAscii } from '../policy/language/fold.ts'
import { formTargets } from './form-targets.ts'
import { localSignInUrl } from './local.ts'
import type { Reaction } from './reaction.ts'
import type { Target } from './sign-in-state.ts'
import { SIGN_IN_PATH, signInParameters, signInUrl, type Wishes } from './sign-in-url.ts'
import { type Visit, wantsJson } from './visit.ts'

/** The one that was asked for; else the only one that is there for such an e-mail, or the only one there is. */
export function chosenProvider(visit: Visit, wishes: Wishes): Provider | undefined {
  const { providers } = visit
  if (wishes.provider !== undefined) return providers.get(wishes.provider)
  const [only, ...others] = providers.size === 1 ? providers.values() : byDomain(visit, wishes)
  return others.length === 0 ? only : undefined
}

/** Those whose `email_domains` hold the domain of the address that was given. */
function byDomain({ providers, snapshot }: Visit, { loginHint }: Wishes): readonly Provider[] {
  const domain = loginHint === undefined ? undefined : emailDomain(loginHint)
  if (domain === undefined) return []
  return [...providers.values()].filter(({ name }) =>
    snapshot.config.providers[name]?.email_domains?.some((known) => foldAscii(known) === domain),
  )
}

export function chooser(visit: Visit, target: Target, wishes: Wishes): Reaction {
  const { requestId, head, snapshot } = visit
  const providers = [...visit.providers.values()]
  const fitting = byDomain(visit, wishes)
  const choices = (fitting.length === 0 ? providers : fitting).map(({ name, displayName }) => ({
    name: displayName,
    url: signInUrl('', target, { ...wishes, provider: name }),
  }))
  const localUrl = localSignInUrl(visit, target)
  if (wantsJson(visit)) return asJson(visit, choices, localUrl)
  const asksForEmail = providers.some(
    ({ name }) => snapshot.config.providers[name]?.email_domains !== undefined,
  )
  return renderChooser(
    {
      requestId,
      head,
      choices,
      localUrl,
      site: target.kind === 'app' ? new URL(target.origin).host : undefined,
      byEmail: asksForEmail
        ? {
            action: SIGN_IN_PATH,
            fields: [...signInParameters(target, { ...wishes, loginHint: undefined })],
            given: wishes.loginHint,
            leadsTo: formTargets(
              visit,
              providers.map(({ issuer }) => issuer),
            ),
          }
        : undefined,
    },
    visit.brand,
  )
}

function asJson(
  { origin, requestId, head }: Visit,
  choices: readonly { readonly name: string; readonly url: string }[],
  localUrl: string | undefined,
): Reaction {
  const value = {
    providers: choices.map(({ name, url }) => ({ name, url: origin + url })),
    local_url: localUrl === undefined ? null : origin + localUrl,
    request_id: requestId,
  }
  return renderJson(200, value, head)
}
