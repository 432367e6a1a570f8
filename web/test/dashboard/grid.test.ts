import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import '../../src/dashboard/grid'
import type { Grid } from '../../src/dashboard/grid'
import { TileSchema } from '../../src/gen/tidemark/v1/dashboard_pb'
import type { Place } from '../../src/model/layout'
import { all, drawn, find, heard, text } from '../tiles/drawn'

const tiles = ['a', 'b'].map((id, at) =>
  create(TileSchema, {
    id,
    title: id,
    layout: { x: at * 6, y: 0, width: 6, height: 4 },
    content: { case: 'text', value: id },
  }),
)

test('readers have no handles', async () => {
  const grid = await drawn<Grid>('tm-grid', { tiles })
  expect(all(grid, 'tm-tile')).toHaveLength(2)
  expect(all(grid, '.handle, .corner')).toEqual([])
})

test('arrow keys move a tile, and tell where it is now', async () => {
  const grid = await drawn<Grid>('tm-grid', { tiles, editable: true })
  const told = heard<Place[]>(grid, 'tm-layout')
  find(grid, '[data-handle=a]').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown' }))
  expect((await told).map(({ id, y }) => [id, y])).toEqual([
    ['a', 0],
    ['b', 0],
  ])
  find(grid, '[data-handle=a]').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }))
  await grid.updateComplete
  expect(text(find(grid, '[role=status]'))).toBe('Column 2, row 1; 6 columns wide, 4 rows high.')
})

test('with Shift they resize it', async () => {
  const grid = await drawn<Grid>('tm-grid', { tiles, editable: true })
  const told = heard<Place[]>(grid, 'tm-layout')
  find(grid, '[data-handle=a]').dispatchEvent(
    new KeyboardEvent('keydown', { key: 'ArrowLeft', shiftKey: true }),
  )
  expect((await told).find(({ id }) => id === 'a')?.width).toBe(5)
})

test('the tiles are found by their ids, however they are moved', async () => {
  const grid = await drawn<Grid>('tm-grid', { tiles })
  grid.tiles = tiles.toReversed()
  await grid.updateComplete
  expect(grid.find('b')?.tile.title).toBe('b')
  expect(grid.find('z')).toBeUndefined()
})
