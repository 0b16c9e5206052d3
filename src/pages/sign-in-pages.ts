/** Pages around a sign-in and a sign-out: the choice of provider, the question before signing out, the landing page. */

import type { Person } from '../policy/model.ts'
import type { RenderedAnswer } from './answer.ts'
import type { Brand } from './brand.ts'
import { renderPage } from './render.ts'
import { TEXTS } from './texts.ts'
import { href, personView } from './views.ts'

interface Visit {
  readonly requestId: string
  readonly head: boolean
}

export interface ChooserView extends Visit {
  readonly choices: readonly { readonly name: string; readonly url: string }[]
  /** Where a local administrator signs in, for those who may. */
  readonly localUrl?: string | undefined
  /** Name of the site that the sign-in is for. */
  readonly site: string | undefined
  /** Where an e-mail can choose. */
  readonly byEmail: EmailForm | undefined
}

export interface EmailForm {
  readonly action: string
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** An address that chose nothing. */
  readonly given: string | undefined
  /** Origins that the answer to the form may lead to. */
  readonly leadsTo: readonly string[]
}

/** Several providers and none chosen. */
export function renderChooser(view: ChooserView, brand: Brand): RenderedAnswer {
  return renderPage(
    {
      template: 'chooser',
      title: TEXTS.chooserTitle,
      requestId: view.requestId,
      head: view.head,
      ...(view.byEmail === undefined ? {} : { formAction: ["'self'", ...view.byEmail.leadsTo] }),
      view: {
        text: view.site === undefined ? TEXTS.chooserText : TEXTS.chooserSite(view.site),
        choices: view.choices.map(({ name, url }) => ({
          href: href(url),
          text: TEXTS.continueWith(name),
        })),
        local:
          view.localUrl === undefined
            ? undefined
            : { href: href(view.localUrl), text: TEXTS.localChoice },
        byEmail: view.byEmail,
        note: view.byEmail?.given === undefined ? undefined : TEXTS.emailChoosesNone,
      },
    },
    brand,
  )
}

export interface LocalSignInView extends Visit {
  readonly action: string
  readonly returnTo: string
  /** Why the form is shown again. */
  readonly problem: string | undefined
  /** Origins that the answer to the form may lead to. */
  readonly leadsTo: readonly string[]
}

/** Name and password of a local administrator; 401 where the last ones were wrong. */
export function renderLocalSignIn(view: LocalSignInView, brand: Brand): RenderedAnswer {
  return renderPage(
    {
      template: 'localSignIn',
      title: TEXTS.localTitle,
      requestId: view.requestId,
      head: view.head,
      status: view.problem === undefined ? 200 : 401,
      formAction: ["'self'", ...view.leadsTo],
      view: {
        text: TEXTS.localText,
        action: view.action,
        returnTo: view.returnTo,
        problem: view.problem,
      },
    },
    brand,
  )
}

export interface SignedOutView extends Visit {
  readonly signInUrl: string
}

/** Where sign-outs end. It starts nothing by itself, or a browser would go round in circles. */
export function renderSignedOut(view: SignedOutView, brand: Brand): RenderedAnswer {
  return renderPage(
    {
      template: 'message',
      title: TEXTS.signedOutTitle,
      requestId: view.requestId,
      head: view.head,
      view: {
        text: TEXTS.signedOutText,
        actions: [{ href: href(view.signInUrl), text: TEXTS.signIn, main: true }],
      },
    },
    brand,
  )
}

/** The own page, for somebody who is nobody here yet. */
export function renderNobody(view: SignedOutView, brand: Brand): RenderedAnswer {
  return renderPage(
    {
      template: 'message',
      title: TEXTS.nobodyTitle,
      requestId: view.requestId,
      head: view.head,
      view: {
        text: TEXTS.nobodyText,
        actions: [{ href: href(view.signInUrl), text: TEXTS.signIn, main: true }],
      },
    },
    brand,
  )
}

export interface SignOutQuestionView extends Visit {
  readonly person: Person
  /** Path that the form is posted to, on this host. */
  readonly action: string
  /** Where to go afterwards, already judged. */
  readonly returnTo: string | undefined
  readonly stayUrl: string
  /** Display name of the provider whose own session ends too. */
  readonly provider: string | undefined
  /** Origins that the answer to the form may lead to: browsers hold redirects after a form against `form-action`. */
  readonly leadsTo: readonly string[]
}

export function renderSignOutQuestion(view: SignOutQuestionView, brand: Brand): RenderedAnswer {
  const also = view.provider === undefined ? '' : ` ${TEXTS.signOutProvider(view.provider)}`
  return renderPage(
    {
      template: 'signOutQuestion',
      title: TEXTS.signOutTitle,
      requestId: view.requestId,
      head: view.head,
      formAction: ["'self'", ...view.leadsTo],
      view: {
        text: `${TEXTS.signOutText}${also}`,
        person: personView(view.person),
        action: href(view.action),
        returnTo: view.returnTo,
        stayUrl: href(view.stayUrl),
      },
    },
    brand,
  )
}
