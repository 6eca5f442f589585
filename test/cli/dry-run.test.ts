import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { emptyState } from '../support/imported.ts'
import { run } from '../support/landcover.ts'
import { csv, HEADER, ROW } from '../support/read-files.ts'

it('npm run import -- --dry-run says what an import would take, and changes nothing', async () => {
  const { folder, state } = await emptyState()
  const files = [
    ['a.csv', csv(HEADER, ROW, ROW, 'b,River,2024-07-01T00:00:00Z,-0.1', 'c,forest,2025-01-01T00:00:00Z,0.4')],
    ['b.csv', csv(HEADER, ROW, 'd,River,2023-01-01T00:00:00Z,9')],
    ['c.csv', csv('a,b', '1,2')],
  ] as const
  for (const [name, text] of files) writeFileSync(join(folder, name), text)
  const importWith = (name: string, ...args: string[]) =>
    run('functions/cli/import.ts', ['--state', state, '--data', join(folder, name), ...args]).finished

  const a = await importWith('a.csv', '--dry-run')
  expect(a.stdout).toBe(
    'a.csv: 3 events; from 2024-06-11 to 2024-07-01; classes "Forest" 2, "River" 1; 1 with the class, id and time of another; 1 of unknown classes: "forest" 1; 0 rejected\ndry run: nothing was changed\n',
  )
  expect(a.stderr).toMatch(/^1 events: "forest" is not one of the known classes, "Forest" is/)
  expect(a.code).toBe(1)
  const mapped = await importWith('a.csv', '--dry-run', '--class', 'forest=Forest')
  expect(mapped.stdout).toMatch(
    /^a\.csv: 4 events; from 2024-06-11 to 2025-01-01; classes "Forest" 3, "River" 1; 1 with [^;]*; 0 rejected\n/,
  )
  expect(mapped.code).toBe(0)
  const b = await importWith('b.csv', '--dry-run')
  expect(b.stdout).toMatch(/^b\.csv: 1 events; from 2024-06-11 to 2024-06-11; classes "Forest" 1; 1 rejected\n/)
  expect(b.code).toBe(1)
  const c = await importWith('c.csv', '--dry-run')
  expect(c).toMatchObject({ code: 1, stdout: 'dry run: nothing was changed\n' })
  expect((await importWith('a.csv', '--list')).stdout).toBe('nothing was imported yet\n')
})
