import { memoryObjectStore } from '../../functions/adapters/memory-object-store.ts'
import { describeObjectStore } from './object-store.ts'

describeObjectStore('memory', async () => {
  const store = memoryObjectStore()
  return { store, reopen: async () => store, close: async () => {} }
})
