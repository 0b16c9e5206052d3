/** Which Ingresses are ours: those of our class, and of a cluster's default class where it is ours. */

import type { IngressClassObject, IngressObject } from './objects.ts'

/** What an IngressClass names for Gatehouse to serve it. */
export const CONTROLLER = 'gatehouse.dev/ingress'

/**
 * A class must be there and name us as its controller. The annotation that was used before there were classes names a
 * class by itself; where both are written, the field counts.
 */
export function isOurs(
  { className, classAnnotation }: IngressObject,
  classes: ReadonlyMap<string, IngressClassObject>,
  ourClass: string,
): boolean {
  const known = classes.get(ourClass)
  const isClassOurs = known?.controller === CONTROLLER
  if (className !== undefined) return className === ourClass && isClassOurs
  if (classAnnotation !== undefined) return classAnnotation === ourClass
  return isClassOurs && known.isDefault
}
