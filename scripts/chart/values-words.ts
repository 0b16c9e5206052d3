/** Kinds of values of the chart: each with its meaning and its default. */

import { type TSchema, Type } from 'typebox'

/** A mapping of other values; nothing else may stand in it. */
export function group(description: string, properties: Readonly<Record<string, TSchema>>): TSchema {
  return Type.Object(properties, {
    additionalProperties: false,
    ...(description === '' ? {} : { description }),
  })
}

export function text(description: string, byDefault: string): TSchema {
  return Type.String({ description, default: byDefault })
}

/** A whole number. */
export function number(description: string, byDefault: number, minimum = 0): TSchema {
  return Type.Integer({ description, default: byDefault, minimum })
}

export function flag(description: string, byDefault: boolean): TSchema {
  return Type.Boolean({ description, default: byDefault })
}

export function choice(
  description: string,
  options: readonly string[],
  byDefault: string,
): TSchema {
  return Type.Unsafe<string>({
    type: 'string',
    enum: options,
    description,
    default: byDefault,
  })
}

export function texts(description: string, byDefault: readonly string[] = []): TSchema {
  return Type.Array(Type.String({ minLength: 1 }), { description, default: [...byDefault] })
}

/** A list whose items Kubernetes itself checks. */
export function anyList(description: string): TSchema {
  return Type.Array(Type.Unknown(), { description, default: [] })
}

/** A mapping that Kubernetes, or Gatehouse, checks itself. */
export function anyMapping(
  description: string,
  byDefault: Readonly<Record<string, unknown>> = {},
): TSchema {
  return Type.Unsafe({ type: 'object', description, default: byDefault })
}

/** Where something secret lies. */
export function secretKey(description: string, key: string): TSchema {
  return group(`${description}.`, {
    name: text('Name of the Secret; left empty: none.', ''),
    key: text('Its key.', key),
  })
}
