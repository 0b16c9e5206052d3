/** What a gateway with `--kubernetes` has besides: the ingress controller, loaded for it alone, between a cluster and the loads. */

import type { LoadResult } from '../config/load.ts'
import type { ReloadResult } from '../config/reload.ts'
import type { Controller } from '../kubernetes/controller.ts'
import type { Clock } from '../support/time.ts'
import { createLogger } from './logger.ts'

export interface Ingress {
  readonly offers: Controller['offers']
  /** Each result of a load passes through it. */
  loaded(result: LoadResult): LoadResult
  reloaded(result: ReloadResult): void
  /** Calls `live` once all Ingresses that there are have been loaded; never where it is closed before. */
  start(reload: () => Promise<ReloadResult>, live: () => void): void
  close(): void
}

export interface IngressOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: Clock
}

/** @throws Error that says what to set where no cluster is to be found */
export async function openIngress({ env, now }: IngressOptions): Promise<Ingress> {
  const { createController } = await import('../kubernetes/controller.ts')
  const log = createLogger('info')
  const controller = await createController({ env, now, log })
  return {
    offers: controller.offers,
    loaded: (result) => {
      log.level = result.snapshot?.config.logging.level ?? log.level
      controller.judged(result.refused)
      return result
    },
    reloaded: (result) => {
      if (result !== 'failed') controller.applied()
    },
    start: (reload, live) => {
      controller
        .start(async () => (await reload()) !== 'failed')
        .then(
          (isLive) => {
            if (isLive) live()
          },
          (err: unknown) => log.error({ err }, 'the Ingresses of the cluster cannot be loaded'),
        )
    },
    close: () => controller.close(),
  }
}
