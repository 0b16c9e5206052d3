/** Probes of what a sign-in will tell: whether groups and a verified e-mail can arrive, and from where. */

import type { Finding, ProbeContext } from './probe.ts'
import type { FoundProvider } from './provider-probe.ts'

export function probeClaims(found: FoundProvider, { snapshot }: ProbeContext): readonly Finding[] {
  const needsGroups = snapshot.table.routes.some(
    ({ policy, provider }) =>
      policy.needsGroups && (provider === undefined || provider === found.name),
  )
  return [groupsFinding(found, needsGroups), ...emailFindings(found)]
}

function groupsFinding(found: FoundProvider, needsGroups: boolean): Finding {
  const { name, config, metadata, scopes } = found
  const claims = [config.groups_claim].flat().join(', ')
  const sources = [
    ...(scopes.includes('groups') ? [`the claim ${claims}, by the scope \`groups\``] : []),
    ...(config.directory === undefined ? [] : ['the directory']),
  ]
  if (sources.length > 0) {
    return { level: 'ok', what: `provider ${name}: groups come from ${sources.join(' and ')}` }
  }
  const listed = metadata.scopes_supported?.includes('groups') === true
  return {
    level: needsGroups ? 'warning' : 'ok',
    what: `provider ${name}: no scope asks for groups, and there is no \`directory\`; they come only if the provider sends the claim ${claims} by itself${needsGroups ? ', and policies name groups' : ''}`,
    ...(needsGroups
      ? {
          advice: listed
            ? 'add `groups` to `scopes`, or set `directory`'
            : "have the authorization server send a groups claim and name it in `groups_claim`, or set `directory` to ask Okta's API",
          where: `providers.${name}.groups_claim`,
        }
      : {}),
  }
}

function emailFindings({ name, config, scopes, metadata }: FoundProvider): readonly Finding[] {
  if (!scopes.includes('email')) {
    return [
      {
        level: 'warning',
        what: `provider ${name}: the scope \`email\` is not asked for, so no e-mail is known`,
        advice: 'add `email` to `scopes`, unless policies go by `sub` and groups alone',
        where: `providers.${name}.scopes`,
      },
    ]
  }
  const from = metadata.userinfo_endpoint === undefined ? 'ID token' : 'ID token or UserInfo'
  const what = config.allow_unverified_email
    ? `provider ${name}: an e-mail counts even when it is not verified`
    : `provider ${name}: an e-mail counts when ${from} says \`email_verified: true\``
  return [{ level: config.allow_unverified_email ? 'warning' : 'ok', what }]
}
