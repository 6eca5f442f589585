import { inTotals, type PlantedBug, SQL } from './planted-bugs.ts'

const IMPORTS = 'functions/archive/imports.ts'

/** Bugs of the identity of images in imports. Histories of imports must notice every one. */
export const PLANTED_IMPORT_BUGS: readonly PlantedBug[] = [
  {
    name: 'equal images of imports counted each time',
    file: SQL,
    edits: [inTotals('and image_id is not null', 'and false')],
  },
  {
    name: 'latest import instead of the earliest',
    file: SQL,
    edits: [inTotals('else arrival_ms end', 'else 9000000000000000 - arrival_ms end')],
  },
  {
    name: 'import that replaces treated like any other',
    file: SQL,
    edits: [inTotals("lane like 'import-replacing-%' then", "lane like 'import-never-%' then")],
  },
  {
    name: 'earliest of the imports that replace',
    file: SQL,
    edits: [inTotals('then -arrival_ms', 'then arrival_ms - 9000000000000000')],
  },
  {
    name: 'identity of an image without its time',
    file: SQL,
    edits: [inTotals('class_name, image_id, event_ms', 'class_name, image_id')],
  },
  {
    name: 'identity of an image without its class',
    file: SQL,
    edits: [inTotals('by class_name, image_id, event_ms', 'by image_id, event_ms')],
  },
  {
    name: 'import counted as finished before its files are written',
    file: IMPORTS,
    edits: [
      [
        'if (await isImported()) return null\n  let position',
        "if (await isImported()) return null\n  await objects.putIfAbsent(marker, Buffer.from('{}'))\n  let position",
      ],
      ['if (await isImported()) return false\n', ''],
    ],
  },
  {
    name: 'import that is undone still counted',
    file: IMPORTS,
    edits: [['await objects.delete(`$', 'void (`$']],
  },
  {
    name: 'file imported again overwrites its first import',
    file: IMPORTS,
    edits: [
      ['if (await isImported()) return null\n  let position', 'let position'],
      ['if (await isImported()) return false\n', ''],
    ],
  },
  {
    name: 'looks of an import that is undone kept',
    file: 'functions/batch/site-parts.ts',
    edits: [['const kept = isReplaced ? known.filter(look => !isReplaced(look)) : known', 'const kept = known']],
  },
]
