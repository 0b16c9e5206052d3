/** nginx that forwards by itself and asks Gatehouse about each request, as docs/forward-auth.md sets it up. */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import { type Candidate, pageUrl } from './candidate.ts'
import { startNginx } from './forwarders.ts'
import { startGatehouse } from './gatehouse.ts'
import { type Pinned, TESTED_CORE } from './processes.ts'

export async function startNginxAuthRequest(folder: string, upstream: number): Promise<Candidate> {
  mkdirSync(folder, { recursive: true })
  const asked = await startGatehouse(folder, {
    upstream,
    settings: 'forward_auth: { trusted_proxies: [127.0.0.1/32] }',
  })
  const port = await freePort()
  const nginx = await startNginx(
    join(folder, 'nginx'),
    port,
    TESTED_CORE,
    SERVER,
    upstreams({ app: upstream, gatehouse: asked.port }),
  )
  return {
    name: 'nginx `auth_request`, and the Gatehouse that it asks',
    process: together(nginx, asked.process),
    url: pageUrl(port),
    headers: asked.headers,
  }
}

const KEPT_ALIVE = 'proxy_http_version 1.1; proxy_set_header Connection "";'

const SERVER = `
location = /gatehouse-auth {
  internal;
  proxy_pass http://gatehouse/.gatehouse/auth/nginx;
  ${KEPT_ALIVE}
  proxy_pass_request_body off;
  proxy_set_header Content-Length "";
  proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
  proxy_set_header X-Original-Method $request_method;
  proxy_set_header X-Forwarded-For $remote_addr;
}
location / {
  auth_request /gatehouse-auth;
  auth_request_set $gatehouse_user $upstream_http_x_forwarded_user;
  auth_request_set $gatehouse_email $upstream_http_x_forwarded_email;
  auth_request_set $gatehouse_groups $upstream_http_x_forwarded_groups;
  auth_request_set $gatehouse_assertion $upstream_http_x_gatehouse_jwt_assertion;
  auth_request_set $gatehouse_cookie $upstream_http_cookie;
  proxy_set_header X-Forwarded-User $gatehouse_user;
  proxy_set_header X-Forwarded-Email $gatehouse_email;
  proxy_set_header X-Forwarded-Groups $gatehouse_groups;
  proxy_set_header X-Gatehouse-Jwt-Assertion $gatehouse_assertion;
  proxy_set_header Cookie $gatehouse_cookie;
  ${KEPT_ALIVE}
  proxy_pass http://app;
}
`

function upstreams(ports: Readonly<Record<string, number>>): string {
  return Object.entries(ports)
    .map(
      ([name, port]) =>
        `upstream ${name} { server 127.0.0.1:${port}; keepalive 64; keepalive_requests 1000000; }`,
    )
    .join(' ')
}

function together(...processes: readonly [Pinned, ...Pinned[]]): Pinned {
  const sum = (of: (one: Pinned) => number) => processes.reduce((total, one) => total + of(one), 0)
  return {
    pid: processes[0].pid,
    cpuMicroseconds: () => sum((one) => one.cpuMicroseconds()),
    residentMegabytes: () => sum((one) => one.residentMegabytes()),
    stop: async () => {
      for (const one of processes) await one.stop()
    },
  }
}
