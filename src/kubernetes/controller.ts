/** The ingress controller: what a cluster has is offered to each load of the config, and what comes of it is written back. */

import { setTimeout as wait } from 'node:timers/promises'
import type { Config } from '../config/schema.ts'
import type { Offers, RefusedOffers } from '../policy/offer.ts'
import type { Log } from '../support/log.ts'
import type { Clock } from '../support/time.ts'
import { type ApiOptions, connectCluster } from './api.ts'
import { type Batches, createBatches } from './batches.ts'
import { secretsOf } from './certificates.ts'
import { type Cluster, followCluster } from './cluster.ts'
import type { Finding } from './findings.ts'
import type { Address } from './objects.ts'
import { createReports, type Report } from './reports.ts'
import { ourIngresses, type Translation, translate } from './translate.ts'

export interface Controller {
  /** What the cluster offers under `config`; nothing before all of it has been listed. */
  offers(config: Config): Offers
  /** What was wrong with the offers of the last load. */
  judged(refused: RefusedOffers): void
  /** The last load is in force: what came of it may be told. */
  applied(): void
  /**
   * From now on `reload` is called after changes, many at once where there are many. It says whether what it has loaded is
   * in force. Resolves with true once all that there was is in force; with false where it is closed before.
   */
  start(reload: Reload): Promise<boolean>
  close(): void
}

type Reload = () => Promise<boolean>

/** Where the policy files do not permit a start, they are tried again as often as this. */
const RELOAD_AGAIN_MS = 1_000

export interface ControllerOptions {
  readonly env: ApiOptions['env']
  readonly now: Clock
  readonly log: Log
}

/** @throws Error that says what to set where no cluster is to be found */
export async function createController({ env, now, log }: ControllerOptions): Promise<Controller> {
  const api = await connectCluster({ env })
  const reports = createReports({ api, now, log })
  const closed = Promise.withResolvers<false>()
  let cluster: Cluster | undefined
  let batches: Batches | undefined
  /** Of hosts that several ask for the oldest has them: nobody gets one before all who ask are known. */
  let isListed = false
  /** What is known has changed since it was looked at. */
  let hasChanged = true
  let last: Look | undefined
  /** What is in force; `undefined` until anything of the cluster is. */
  let inForce: string | undefined
  let refused: RefusedOffers = new Map()

  /** Begun with the first config, which says where to look. */
  const followed = ({ kubernetes }: Config): Cluster => {
    cluster ??= followCluster({
      api,
      namespaces: kubernetes.namespaces,
      onChange: () => {
        hasChanged = true
        batches?.changed()
      },
      log,
    })
    cluster.followPublished(kubernetes.publish_service)
    return cluster
  }
  const addresses = (): readonly Address[] | undefined => {
    const { publish_address: written, publish_service: service } = last?.config.kubernetes ?? {}
    if (written !== undefined) return written.map(asAddress)
    return service === undefined ? undefined : cluster?.publishedAddresses()
  }
  const reportOf = ({ ingress, source, findings, isServed }: Translation['ingresses'][number]) => {
    const { broken = [], taken = [] } = refused.get(source) ?? {}
    const own = [
      ...broken.map(({ message }): Finding => ({ reason: 'Refused', message })),
      ...taken.map(({ message }): Finding => ({ reason: 'Conflict', message })),
    ]
    const known = addresses()
    const report: Report = {
      ingress,
      findings: [...findings, ...own],
      addresses: known === undefined || isServed ? known : [],
    }
    return report
  }
  const look = (config: Config): Look => {
    const known = followed(config)
    const settings = JSON.stringify([
      config.kubernetes,
      config.server.public_url,
      config.server.tls === undefined,
    ])
    if (!hasChanged && last?.settings === settings) return { ...last, config }
    const view = known.view()
    // Secrets are read where TLS ends here.
    const ours = config.server.tls === undefined ? [] : ourIngresses(view, config)
    known.followSecrets(secretsOf(ours))
    const translation = translate(view, config, now)
    hasChanged = false
    return { config, settings, translation }
  }
  const tell = () => {
    // Before all is known, what seems to be missing may just not have been read.
    if (batches === undefined || last === undefined) return
    inForce = last.translation.offers.revision
    reports.tell(last.translation.ingresses.map(reportOf))
  }
  /** Much of what changes is no matter of routes: what we write ourselves comes back too. */
  const isNews = (): boolean => {
    if (inForce === undefined || last === undefined) return true
    try {
      last = look(last.config)
    } catch {
      // A fault of ours: the reload meets it again, keeps what is in force, and says so.
      return true
    }
    if (last.translation.offers.revision !== inForce) return true
    tell()
    return false
  }
  return {
    offers: (config) => {
      if (!isListed) {
        followed(config)
        return NOTHING
      }
      last = look(config)
      return last.translation.offers
    },
    judged: (problems) => {
      refused = problems
    },
    applied: tell,
    start: async (reload) => {
      const begin = async () => {
        await cluster?.synced()
        isListed = true
        await reload()
        // Only now it is known which Secrets are named.
        await cluster?.synced()
        batches = createBatches(async () => {
          if (isNews()) await reload()
        })
        while (!(await reload())) await wait(RELOAD_AGAIN_MS, undefined, { ref: false })
        return true
      }
      return Promise.race([begin(), closed.promise])
    },
    close: () => {
      closed.resolve(false)
      batches?.close()
      reports.close()
      cluster?.close()
      api.close()
    },
  }
}

const NOTHING: Offers = { revision: '', routes: [], certificates: [] }

/** What a cluster came to, once it was looked at. */
interface Look {
  readonly config: Config
  /** What of the config matters here. */
  readonly settings: string
  readonly translation: Translation
}

function asAddress(text: string): Address {
  return /^[0-9.]+$/.test(text) || text.includes(':') ? { ip: text } : { hostname: text }
}
