/** Pages on which a way ends. They start nothing by themselves, or browsers would go round in circles. */

import { renderJson } from '../pages/render.ts'
import { renderSignedOut } from '../pages/sign-in-pages.ts'
import { ownPage } from './portal.ts'
import { type Reaction, redirect } from './reaction.ts'
import { openWithGroups } from './session-cookie.ts'
import { NO_WISHES, signInUrl } from './sign-in-url.ts'
import { openSignOutState } from './sign-out-state.ts'
import { single, type Visit, wantsJson } from './visit.ts'

/** `/.gatehouse/signed_out`. A sign-out of ours that was asked to go on somewhere does so from here. */
export function signedOut(visit: Visit): Reaction {
  const { requestId, head } = visit
  const onward = onwardOf(visit)
  if (onward !== undefined) return redirect(onward)
  const target = { kind: 'here', url: '/' } as const
  if (wantsJson(visit)) {
    const value = { signed_in: false, login_url: signInUrl(visit.origin, target, NO_WISHES) }
    return renderJson(200, { ...value, request_id: requestId }, head)
  }
  const signIn = signInUrl('', target, NO_WISHES)
  return renderSignedOut({ requestId, head, signInUrl: signIn }, visit.brand)
}

function onwardOf(visit: Visit): string | undefined {
  const state = single(visit.query, 'state')
  return state === undefined ? undefined : openSignOutState(visit, state)
}

/** `/` of `public_url`, and where providers send people after a sign-out: the own page for who is signed in. */
export async function landing(visit: Visit): Promise<Reaction> {
  const onward = onwardOf(visit)
  if (onward !== undefined) return redirect(onward)
  const session = await openWithGroups(visit)
  if (session === undefined) return signedOut(visit)
  return ownPage(visit, session, wantsJson(visit) ? 'json' : 'page')
}
