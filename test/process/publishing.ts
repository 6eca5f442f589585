import { join } from 'node:path'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { publishScene } from '../../functions/images/output/publish.ts'
import { timeFromEpoch } from '../../functions/ingest/retry.ts'
import { wireEvent } from '../support/factories.ts'

/**
 * Publishes scenes into a folder, as `npm run observe` does. Before each write it writes a line, so that who kills it
 * can choose the moment.
 */
const [folder = '', scenes = '0', events = '0'] = process.argv.slice(2)
const log = openSqliteEventLog({ file: join(folder, 'log.sqlite') })
const objects = openFolderObjectStore(join(folder, 'objects'))

const toldBefore =
  <Arguments extends unknown[], Result>(write: (...all: Arguments) => Promise<Result>) =>
  (...all: Arguments): Promise<Result> => {
    process.stdout.write('write\n')
    return write(...all)
  }
const ports = {
  objects: { ...objects, put: toldBefore(objects.put), putIfAbsent: toldBefore(objects.putIfAbsent) },
  log: { ...log, append: toldBefore(log.append) },
  time: timeFromEpoch(),
}
for (let scene = 1; scene <= Number(scenes); scene++) {
  const identity = `scene-${scene}`
  const images = Array.from({ length: Number(events) }, (_, at) =>
    wireEvent({ image_id: `${identity}/${at}`, timestamp: '2020-01-01T00:00:00Z' }),
  )
  await publishScene(ports, { identity, processingVersion: null, events: images })
}
await log.close()
process.stdout.write('done\n')
