import type { Flag } from './command.ts'

/** Flags that name the attributes of a file of sites. */
export const SITE_FIELD_FLAGS = {
  'site-id': { type: 'string', value: 'FIELD', default: 'site_id', help: "Attribute that holds a site's id" },
  class: { type: 'string', value: 'FIELD', default: 'class_name', help: "Attribute that holds a site's class" },
} as const satisfies Record<string, Flag>
