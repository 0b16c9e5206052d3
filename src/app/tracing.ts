/** Whether there are traces: by the environment variables of OpenTelemetry. Nothing of it is loaded where there are none. */

import type { Environment } from '../config/references.ts'
import type { Log } from '../support/log.ts'
import type { Tracing } from '../support/tracing.ts'
import type { Closing } from './closing.ts'

/** `undefined` unless an endpoint is set and nothing turns traces off. */
export async function tracingOf(
  env: Environment,
  log: Log,
  closing: Closing,
): Promise<Tracing | undefined> {
  const endpoint =
    env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT'] || ''
  const isOff =
    env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none'
  if (endpoint === '' || isOff) return undefined
  const { openTracing } = await import('./open-tracing.ts')
  const { close, ...tracing } = openTracing(log)
  closing.push(close)
  return tracing
}
