import { expect, it } from 'vitest'
import { playImports } from '../simulation/imports.ts'

it.each([1, 2, 3, 4, 5])(
  'history %i of imports that overlap, replace, repeat and are undone agrees with the model',
  async seed => {
    expect(await playImports(seed)).toBeNull()
  },
)
