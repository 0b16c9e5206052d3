/** Every attack that needs nothing but a socket, in the order of the table. */

import type { Attack } from '../attack.ts'
import { misleadingHeaders, spoofedHost, spoofedOrigin } from './forwarded.ts'
import {
  ambiguousLengths,
  bodiesOfRefused,
  brokenChunks,
  brokenLines,
  cutOff,
  extensionsAndTrailers,
  oddLengths,
  requestsInARow,
} from './framing.ts'
import { brokenAnswers, brokenBodies, hints, tooMuch, unaskedAnswers } from './hostile-upstream.ts'
import { notOneHost, oddMethods, proxyLine, sameHosts, strangeHosts } from './hosts-and-methods.ts'
import {
  closedPathsOverHttp2,
  controlsInFields,
  identityOverHttp2,
  malformedFields,
  trailersOverHttp2,
} from './http2.ts'
import {
  aliases,
  forgedByNobody,
  forgedHeaders,
  forgedTrailers,
  forwardedInConnection,
  lineEnds,
  manyGroups,
  missingClaim,
  namedInConnection,
  otherScripts,
  ownCookie,
  upgrades,
} from './identity.ts'
import { forgedCookies, oversized, unwantedBody } from './limits.ts'
import { keptAnswers, markup } from './pages.ts'
import { closedPaths, openPaths, ownPaths } from './paths.ts'
import { healthChecks, similarGroups } from './policy.ts'
import { addresses, longAddress, pathsBack } from './redirects.ts'
import { behindUpgrades, upgradesWithBodies } from './upgrades.ts'

export const ATTACKS: readonly Attack[] = [
  forgedHeaders,
  aliases,
  identityOverHttp2,
  forgedTrailers,
  trailersOverHttp2,
  forgedByNobody,
  missingClaim,
  namedInConnection,
  forwardedInConnection,
  lineEnds,
  otherScripts,
  manyGroups,
  upgrades,
  ownCookie,
  misleadingHeaders,
  spoofedHost,
  spoofedOrigin,
  proxyLine,
  ...closedPaths,
  closedPathsOverHttp2,
  openPaths,
  sameHosts,
  strangeHosts,
  notOneHost,
  oddMethods,
  addresses,
  pathsBack,
  longAddress,
  forgedCookies,
  keptAnswers,
  ...similarGroups,
  healthChecks,
  ambiguousLengths,
  brokenChunks,
  extensionsAndTrailers,
  oddLengths,
  bodiesOfRefused,
  brokenLines,
  malformedFields,
  controlsInFields,
  behindUpgrades,
  upgradesWithBodies,
  oversized,
  unwantedBody,
  requestsInARow,
  cutOff,
  tooMuch,
  unaskedAnswers,
  brokenAnswers,
  brokenBodies,
  hints,
  markup,
  ownPaths,
]
