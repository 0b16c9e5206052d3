/** Signing in at the Okta stand-in: one picks whom to be; who is suspended, deactivated or locked out is told so. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { sendPage } from '../html.ts'
import { leaveOtherAccount, readForm } from '../picked-account.ts'
import { pickerPage, providerErrorPage } from '../provider-pages.ts'
import { KNOWN_ACR } from './authorization-server.ts'
import type { World } from './world.ts'

/** Shows the picker on GET; takes its answer on POST. Never rejects. */
export async function answerSignIn(
  provider: Provider,
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await pick(provider, world, request, response)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    sendPage(response, 400, providerErrorPage('invalid_request', reason))
  }
}

async function pick(
  provider: Provider,
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const interaction = await provider.interactionDetails(request, response)
  const people = [...world.users.values()].slice(0, MAX_SHOWN).map(({ person }) => person)
  if (request.method !== 'POST') {
    const hint = interaction.params['login_hint']
    const page = pickerPage(people, request.url ?? '', {
      ...(typeof hint === 'string' ? { hint } : {}),
      ...(interaction.session === undefined ? {} : { current: interaction.session.accountId }),
    })
    return sendPage(response, 200, page)
  }
  const form = new URLSearchParams(await readForm(request))
  if (form.has('cancel')) {
    return provider.interactionFinished(request, response, {
      error: 'access_denied',
      error_description: 'The sign-in was cancelled.',
    })
  }
  const user = world.findUser(form.get('person') ?? '')
  if (user === undefined) throw new Error('Nobody of that name is known here.')
  if (!world.maySignIn(user.id)) {
    throw new Error(`Unable to sign in: this account is ${user.status.toLowerCase()}.`)
  }
  await leaveOtherAccount(provider, user.id, interaction, request, response)
  const asked = String(interaction.params['acr_values'] ?? '').split(' ')
  const acr = asked.find((value) => KNOWN_ACR.includes(value))
  await provider.interactionFinished(request, response, {
    login: { accountId: user.id, ...(acr === undefined ? {} : { acr }) },
    consent: {},
  })
}

const MAX_SHOWN = 20
