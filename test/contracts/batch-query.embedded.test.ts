import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openDuckDbBatchQuery } from '../../functions/adapters/sql/duckdb-batch-query.ts'
import { ARCHIVE_TABLE_COLUMNS } from '../../functions/archive/table.ts'
import { describeBatchQuery } from './batch-query.ts'

// The path of a state folder may contain any characters.
const ODD_FOLDER = "landcover it's [my] *data* {x}? batch-query-"

describeBatchQuery('DuckDB', async () => {
  const folder = await mkdtemp(join(tmpdir(), ODD_FOLDER))
  const query = await openDuckDbBatchQuery(join(folder, 'archive'), ARCHIVE_TABLE_COLUMNS)
  return {
    query,
    objects: openFolderObjectStore(folder),
    async close() {
      await query.close()
      await rm(folder, { recursive: true })
    },
  }
})
