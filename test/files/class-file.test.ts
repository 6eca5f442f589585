import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readClassNames } from '../../functions/files/class-file.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

function listOf(content: string | Uint8Array): string {
  const path = join(temporaryFolder(), 'list.csv')
  writeFileSync(path, content)
  return path
}

describe('a list of classes', () => {
  it.each<[string, string | Uint8Array]>([
    ['with other columns', 'class_id,class_name\n1,Forêt\n2,Prairie\n'],
    ['with semicolons', 'class_id;class_name\n1;Forêt\n2;Prairie\n'],
    ['in UTF-16', Buffer.from('\ufeffclass_name\r\nForêt\r\nPrairie\r\n', 'utf16le')],
    ['with a byte order mark', '\ufeffclass_name\nForêt\nPrairie\n'],
    ['in decomposed Unicode', 'class_name\nFore\u0302t\nPrairie\n'],
    ['with a name twice', 'Class_Name\nForêt\n Prairie \nForêt\n'],
    ['as JSON', '[{"class_name":"Forêt"},{"class_name":"Prairie"}]'],
  ])('is read %s', async (_, content) => {
    expect(await readClassNames(listOf(content))).toEqual(['Forêt', 'Prairie'])
  })

  it.each<[string, string | Uint8Array, RegExp]>([
    [
      'in Latin-1',
      Buffer.from('class_name\nForêt\n', 'latin1'),
      /row 2: "For.t" is not UTF-8 text: save the list as UTF-8/,
    ],
    ['without the column', 'id,name\n1,Prairie\n', /no column class_name; the header has "id", "name"/],
    [
      'with names that differ in case',
      'class_name\nForest\nRiver\nforest\n',
      /rows 2 and 4: "Forest" and "forest" differ in case/,
    ],
    ['with a missing name', 'class_name,a\nForest,1\n,2\n', /row 3: class_name is missing/],
    ['with a row of another width', 'class_name\nForest\nSea, lake\n', /row 3: the row cannot be read/],
    ['without names', 'class_name\n', /has no names in its column class_name/],
    ['of no bytes', '', /is empty/],
  ])('is refused %s', async (_, content, message) => {
    await expect(readClassNames(listOf(content))).rejects.toThrow(message)
  })
})
