/** What the pickers of the development providers share: the form that comes back, and whoever was signed in before. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Provider } from 'oidc-provider'

const MAX_FORM_BYTES = 4_096

/** Somebody else was signed in here: that session ends, or oidc-provider would end it by a page with a script. */
export async function leaveOtherAccount(
  provider: Provider,
  sub: string,
  interaction: Awaited<ReturnType<Provider['interactionDetails']>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const session = await provider.Session.get(provider.createContext(request, response))
  if (session.accountId === undefined || session.accountId === sub) return
  await session.destroy()
  interaction.session = undefined
  await interaction.persist()
}

/** What the picker sends, which is small. */
export async function readForm(request: IncomingMessage): Promise<string> {
  if (Number(request.headers['content-length'] ?? Number.NaN) <= MAX_FORM_BYTES) {
    return text(request)
  }
  throw new Error('The form is too large.')
}
