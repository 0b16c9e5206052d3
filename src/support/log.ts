/** What the rooms need of a logger: pino's own shape, so that its instance can be passed as it is. */

type Write = (fields: object, message: string) => void

export interface Log {
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
}
