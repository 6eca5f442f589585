import { replayArchive } from '../archive/replay.ts'
import { START } from '../core/lane.ts'
import { firstCut, lookBackMs } from '../core/slot.ts'
import { lockState } from '../homes/state.ts'
import { SPEED_CONSUMER } from '../local/system.ts'
import { applyDelivery } from '../speed/apply.ts'
import { runCommand } from './command.ts'
import { STATE_FLAG, withState } from './home.ts'

await runCommand(
  {
    usage: 'npm run replay -- [flags]',
    summary:
      'Rebuilds a speed store that was lost, from the archive, of what no batch view counts yet. The system must be stopped.',
    flags: STATE_FLAG,
  },
  async ({ state }) =>
    withState(state, async (home, { slotMs }) => {
      const lock = lockState(state)
      try {
        const known = await home.store.readCursors()
        if (known.length > 0) {
          throw new Error(`the speed store has been applied to ${known.length} lanes: only an empty one can be rebuilt`)
        }
        // Where the checkpoints are not lost with the store, the records behind them would never be applied.
        for (const { name } of await home.log.lanes()) await home.checkpoints.write(SPEED_CONSUMER, name, START)
        const cut = (await home.views.current())?.cut ?? firstCut(slotMs)
        const speed = home.speedLayer([])
        const from = Math.max(cut - lookBackMs(slotMs), firstCut(slotMs))
        const { lanes, records, events } = await replayArchive({
          objects: home.objects,
          slotMs,
          from,
          apply: async (lane, all) => void (await applyDelivery(speed, new Map(), lane, all)),
        })
        process.stdout.write(`${events} events of ${records} records replayed into ${lanes} lanes\n`)
        return 0
      } finally {
        lock.release()
      }
    }),
)
