import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { Display_Kind as Kind, TileSchema } from '../../src/gen/tidemark/v1/dashboard_pb'
import { drawing, freshId, size } from '../../src/model/tile'

const tile = (kind: Kind) => create(TileSchema, { display: { kind } })

test('an answer is drawn as the tile wants where that makes sense', () => {
  expect(drawing(tile(Kind.AREA), 'series')).toBe('area')
  expect(drawing(tile(Kind.BAR), 'table')).toBe('ranks')
  expect(drawing(tile(Kind.FUNNEL), 'series')).toBe('line')
  expect(drawing(tile(Kind.NUMBER), 'funnel')).toBe('funnel')
  expect(drawing(create(TileSchema), 'table')).toBe('table')
})

test('a new id is one that no tile has', () => {
  const tiles = ['tile-1', 'tile-3'].map(id => create(TileSchema, { id }))
  expect(freshId(tiles)).toBe('tile-4')
  expect(freshId([create(TileSchema, { id: 'tile-2' })])).toBe('tile-3')
})

test('sizes fit the grid', () => {
  for (const kind of [Kind.NUMBER, Kind.LINE]) {
    const { width, height } = size(
      create(TileSchema, {
        content: { case: 'query', value: { question: { case: 'series', value: {} } } },
        display: { kind },
      }),
    )
    expect(width).toBeLessThanOrEqual(12)
    expect(height).toBeGreaterThan(0)
  }
})
