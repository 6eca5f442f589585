import type { Slot } from './slot.ts'

/**
 * The land-cover classes that are known: class name → the arrival slot since which it is. Both layers decide by an
 * event's arrival slot, so they agree even while a new list is rolled out.
 */
export type ClassList = ReadonlyMap<string, Slot>

export function isKnownClass(classes: ClassList, className: string, slot: Slot): boolean {
  const since = classes.get(className)
  return since !== undefined && since <= slot
}

/** Adds classes that are not yet listed, known from `since` on. */
export function withClasses(classes: ClassList, names: Iterable<string>, since: Slot): ClassList {
  const more = new Map(classes)
  for (const name of names) if (!more.has(name)) more.set(name, since)
  return more
}
