/** Every text on a page that is not a failure's own (errors.ts): one file to read, to mend and to translate. */

import type { ErrorCode } from '../errors.ts'

export const LANGUAGE = 'en'

/** A failure page's heading. */
export const HEADINGS: Readonly<Record<ErrorCode, string>> = {
  SIGN_IN_REQUIRED: 'Sign in to continue',
  STEP_UP_REQUIRED: 'Prove again who you are',
  ACCESS_DENIED: 'You cannot open this site',
  GROUPS_UNAVAILABLE: 'Not available right now',
  STORE_UNAVAILABLE: 'Not available right now',
  MALFORMED_REQUEST: 'This request cannot be answered',
  NO_ROUTE: 'Nothing here',
  UNKNOWN_HOST: 'No such site',
  BAD_TOKEN: 'Access token refused',
  RATE_LIMITED: 'Too many attempts',
  IDENTITY_UNSENDABLE: 'You cannot open this site',
  IDENTITY_TOO_LARGE: 'Something went wrong',
  UPSTREAM_FAILED: 'The site did not answer',
  UPSTREAM_TIMEOUT: 'The site took too long',
  INTERNAL: 'Something went wrong',
}

/** What a decision's reason means to the person whom it refuses. */
export const REASONS: Readonly<Record<string, string>> = {
  'no-allow-rule': 'It does not let you in, and neither does any other rule.',
  'denied-by-rule': 'It keeps you out.',
  'no-policy': 'Nobody has been given access to this site yet.',
  'step-up-failed': 'The way you signed in is not strong enough for it.',
}

/** What an outage's page names as down. */
export const DOWN: Partial<Record<ErrorCode, string>> = {
  GROUPS_UNAVAILABLE: 'The directory that knows your groups',
  STORE_UNAVAILABLE: 'The store that keeps sessions',
}

export const TEXTS = {
  requestId: 'Request ID',
  error: 'Error',
  tryAgain: 'Try again',
  signIn: 'Sign in',
  signOut: 'Sign out',
  signOutEverywhere: 'Sign out everywhere',
  localTitle: 'Sign in as an administrator',
  localText: 'For administrators of this gateway, while the usual sign-in does not work.',
  localName: 'Name',
  localPassword: 'Password',
  localWrong:
    'That did not work. Name and password must match, and not everyone may sign in from everywhere.',
  localElsewhere: 'A sign-in starts on the page of this site; this one came from somewhere else.',
  localChoice: 'Sign in with a password',
  switchAccount: 'Switch account',
  stay: 'Stay signed in',
  yourAccount: 'Your account',
  skipToContent: 'Skip to content',

  signedInAs: 'Signed in as',
  via: 'via',
  site: 'Site',
  rule: 'Rule',
  why: 'Why',
  down: 'What is down',
  missing: 'What is missing',
  askForHelp: 'Whom to ask',
  quoteRequestId: 'Mention it when you ask; it shows them why.',
  triesAgain: (seconds: number) => `This page tries again by itself in ${seconds} seconds.`,
  tryLater: (seconds: number) =>
    seconds < 120
      ? `Try again in ${seconds} seconds.`
      : `Try again in ${Math.ceil(seconds / 60)} minutes.`,

  chooserTitle: 'Sign in',
  chooserText: 'Choose how to sign in.',
  chooserSite: (site: string) => `Choose how to sign in to ${site}.`,
  email: 'Your e-mail address',
  continue: 'Continue',
  orChoose: 'Or choose by name:',
  emailChoosesNone: 'That address does not say which sign-in service is yours. Choose it below.',
  continueWith: (provider: string) => `Continue with ${provider}`,

  signedOutTitle: 'You are signed out',
  signedOutText: 'You are not signed in here. You can close this window, or sign in again.',

  signOutTitle: 'Sign out?',
  signOutText: 'This ends your session on all sites behind this gateway.',
  signOutProvider: (provider: string) => `You will also be signed out of ${provider}.`,

  signOutLater:
    'Sessions cannot be reached right now, so you are not signed out everywhere yet. It is tried again until it is done; to be sure, try again in a moment.',
  signOutElsewhere: 'Signing out works only from the page that asks for it.',

  signInLoopTitle: 'Signing in keeps starting over',
  signInLoopText:
    'Your browser was sent to sign in several times without success. Check that it keeps cookies for this site, then try again.',
  signInDeniedTitle: 'You have not been signed in',
  signInFailedTitle: 'Signing in failed',
  signInDenied: (provider: string) =>
    `You cancelled the sign-in, or ${provider} refused it. If you cancelled, sign in again whenever you like. If not, you have not been given access to this application there, or a rule there forbids it: ask for access, or use another account.`,
  signInUnmet: (provider: string) =>
    `${provider} could not confirm who you are in the way that this site asks for. Set up a stronger way to sign in there, or use another account.`,
  signInUnavailable: (provider: string) =>
    `${provider} cannot be reached or has trouble right now. It is nothing that you did. Try again in a moment.`,
  signInInvalid: (provider: string) =>
    `${provider} gave an answer that cannot be trusted, so nobody was signed in. It is nothing that you did. Try again; if it stays so, tell those who run this gateway.`,
  signInMisconfigured: (provider: string) =>
    `${provider} does not accept this gateway: something in its settings is wrong. It is nothing that you did. Tell those who run this gateway.`,
  signInUnavailableTitle: 'Signing in does not work right now',
  signInNotStored:
    'You could not be signed in, because sessions cannot be kept right now. Try again in a moment.',
  noSuchProvider: 'There is no sign-in service of that name.',
  noSuchApp: 'The sign-in is for a site that is not served here.',
  signInStateBroken: 'This sign-in was not begun here. Open the site that you want to visit.',
  loginMalformed: 'The address of this sign-in is malformed.',
  loginOfAnother: 'This sign-in was begun by another service than the one that is set up here.',
  noProvider: 'No sign-in service has been set up.',
  answerMalformed: 'The answer of the sign-in is malformed.',
  wrongMethod: 'This address does not take that kind of request.',

  portalTitle: 'Your sites',
  nobodyTitle: 'You are not signed in',
  nobodyText: 'Sign in to see who you are here and which sites you may open.',
  apps: 'Sites that you may open',
  noApps: 'There is no site that you may open.',
  noSiteFound: 'None of your sites has all these words.',
  searchSites: 'Search your sites',
  search: 'Search',
  sitesCount: (all: number) => (all === 1 ? '1 site' : `${all} sites`),
  sitesFound: (found: number, all: number) => `${found} of ${all} sites`,
  pagesOfSites: 'Pages of sites',
  pageOf: (page: number, pages: number) => `Page ${page} of ${pages}`,
  previous: 'Previous',
  next: 'Next',
  groups: 'Your groups',
  noGroups: 'You are in no group that this gateway knows of.',
  otherGroups: (count: number) => `${count} more: see all`,
  groupsIncomplete: 'The sign-in service could not tell all of your groups.',
  sessions: 'Your sessions',
  otherSessions: (count: number) =>
    `${count} older ${count === 1 ? 'session is' : 'sessions are'} not shown. “Sign out everywhere” ends them too.`,
  currentSession: 'this one',
  signedInAt: 'signed in',
  lastSeen: 'last used',
  until: 'ends',
  unknownBrowser: 'unknown browser',
} as const
