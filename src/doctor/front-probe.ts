/** Probes of what stands in front: does `public_url` lead here, and is the proxy on the way one that is believed? */

import { type Finding, type Probe, type ProbeContext, readJson, tryFetch } from './probe.ts'

const UNTRUSTED = /^gatehouse_untrusted_proxy_requests_total (\d+)$/m

export const probeFront: Probe = async (context) => {
  const { config } = context.snapshot
  const before = await untrustedRequests(context)
  const isBehind = config.server.public_url.startsWith('https:') && !config.server.tls
  return [
    ...(isBehind && config.server.trusted_proxies.length === 0 ? [NO_PROXY_NAMED] : []),
    ...(before === undefined ? [NOT_RUNNING] : await probeRunning(context, before)),
  ]
}

const NO_PROXY_NAMED: Finding = {
  level: 'warning',
  what: 'proxy: `public_url` is https, there is no `tls`, and no proxy is named: whoever ends TLS in front is taken for the client',
  advice:
    'add its address to `server.trusted_proxies`; policies by `source_ip` and limits by address need it',
  where: 'server.trusted_proxies',
}

const NOT_RUNNING: Finding = {
  level: 'ok',
  what: 'proxy: the gateway does not run here now; once it does, this also tries `public_url` and the proxy in front',
}

async function probeRunning(context: ProbeContext, before: number): Promise<readonly Finding[]> {
  const { public_url: publicUrl } = context.snapshot.config.server
  const answer = await tryFetch(context.fetchOwn, `${publicUrl}/.gatehouse/user`, {
    headers: { accept: 'application/json' },
  })
  const where = 'server.public_url'
  if (typeof answer === 'string') {
    const advice =
      'mend DNS, the proxy in front, or `public_url`; from this machine alone it may be out of reach for good reason'
    return [{ level: 'warning', what: `public_url: ${answer}`, advice, where }]
  }
  const body = await readJson(answer)
  if (typeof body?.['request_id'] !== 'string') {
    const what = `public_url: something else than Gatehouse answers at ${publicUrl} (HTTP ${answer.status})`
    const advice = 'have the proxy in front send that host, all of it, to `server.listen`'
    return [{ level: 'error', what, advice, where }]
  }
  const after = await untrustedRequests(context)
  return [
    { level: 'ok', what: `public_url: ${publicUrl} leads to a Gatehouse` },
    proxyFinding(before, after ?? before),
  ]
}

/** This very request tells: it was sent without X-Forwarded-For. */
function proxyFinding(before: number, after: number): Finding {
  const where = 'server.trusted_proxies'
  const advice =
    'add the address of the proxy to `server.trusted_proxies`; the log of the gateway names it as `peer`'
  if (after > before) {
    const what =
      'proxy: the one in front sends X-Forwarded-For and -Proto and is not believed: policies, logs and limits take it for the client'
    return { level: 'error', what, advice, where }
  }
  if (before > 0) {
    const what = `proxy: ${before} requests since the start came with X-Forwarded-For from peers that are not believed`
    return { level: 'warning', what, advice: `${advice}; or clients forge it`, where }
  }
  return { level: 'ok', what: 'proxy: nobody sends X-Forwarded-For who is not believed' }
}

/** `undefined` where no gateway runs by this config. */
async function untrustedRequests({
  snapshot,
  fetchOwn,
}: ProbeContext): Promise<number | undefined> {
  const { host, port } = snapshot.adminListen
  const isAny = host === '0.0.0.0' || host === '::'
  const name = isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  const answer = await tryFetch(fetchOwn, `http://${name}:${port}/metrics`)
  if (typeof answer === 'string') return undefined
  const [, count] = UNTRUSTED.exec(await answer.text()) ?? []
  return count === undefined ? undefined : Number(count)
}
