/** Policies as large as one likes, for parts of the bench: each route with its own group, and a deny. */

/** A policy file with `count` routes from number `first` on. */
export function routesText(first: number, count: number): string {
  const routes = Array.from({ length: count }, (_, i) => routeText(first + i))
  return `routes:\n${routes.join('')}`
}

function routeText(n: number): string {
  return `  - name: app-${n}
    from: https://app-${n}.example.com
    to: http://app-${n}.internal:8080
    policy:
      - allow:
          and:
            - domain: { is: example.com }
            - groups: { has: team-${n} }
      - deny:
          or:
            - claim/contractor: true
`
}

/** One route whose policy is a list of criteria of which none decides before the last. */
export function criteriaText(count: number): string {
  const kinds = [
    'domain: { is: example.com }',
    'groups: { has: team-0 }',
    'http_method: { in: [GET, HEAD] }',
    'http_path: { starts_with: /d/ }',
    'claim/department: Platform',
    'source_ip: 192.0.2.0/24',
    'email: { ends_with: "@example.com" }',
    'not: [{ groups: contractors }]',
    'header/x-team: { not: none }',
    'amr: mfa',
  ]
  const items = Array.from({ length: count }, (_, i) => `{ ${kinds[i % kinds.length]} }`)
  return `routes: [{ name: app, from: "https://app.example.com", policy: { allow: { and: [${items.join(', ')}] } } }]\n`
}
