import type { Slot } from './slot.ts'

/**
 * Land-cover classes: class name → first arrival slot in which the class is known. Both layers decide by the arrival
 * slot of an event, so they agree even while a new list is rolled out.
 */
export type ClassList = ReadonlyMap<string, Slot>

/** Returns true when a class is known for records of an arrival slot. */
export function isKnownClass(classes: ClassList, className: string, slot: Slot): boolean {
  const since = classes.get(className)
  return since !== undefined && since <= slot
}

/** Adds the classes that are not in the list yet. They are known from slot `since` on. */
export function withClasses(classes: ClassList, names: Iterable<string>, since: Slot): ClassList {
  const more = new Map(classes)
  for (const name of names) if (!more.has(name)) more.set(name, since)
  return more
}
