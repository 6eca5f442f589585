import { join } from 'node:path'
import { openSqliteSpeedStore } from '../../functions/adapters/sqlite/speed-store.ts'
import { describeServingApi } from '../contracts/serving-api.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

describeServingApi('SQLite', async () => openSqliteSpeedStore(join(temporaryFolder(), 'store.sqlite')))
