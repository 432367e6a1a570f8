import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { type Dashboard, DashboardSchema, TileSchema } from '../../src/gen/tidemark/v1/dashboard_pb'
import { Aggregation, Compare } from '../../src/gen/tidemark/v1/question_pb'
import {
  asked,
  changed,
  differences,
  doubled,
  keyOf,
  laid,
  places,
  put,
  read,
  without,
} from '../../src/model/board'
import { last } from '../../src/model/range'
import { PLAIN } from '../../src/model/view'

const series = { case: 'series' as const, value: { measures: [{ aggregation: Aggregation.COUNT }] } }
const board: Dashboard = create(DashboardSchema, {
  name: 'projects/demo/dashboards/shop',
  displayName: 'Shop',
  tiles: [
    {
      id: 'b',
      title: 'Below',
      layout: { x: 0, y: 4, width: 6, height: 4 },
      content: { case: 'query', value: { question: series } },
    },
    {
      id: 'a',
      title: 'Above',
      layout: { x: 0, y: 0, width: 6, height: 4 },
      content: { case: 'text', value: 'hello' },
    },
  ],
  variables: [{ id: 'country', field: 'properties.country' }],
})

test('tiles are read from the top', () => {
  expect(read(board).map(({ id }) => id)).toEqual(['a', 'b'])
})

test('a new tile finds room and others stay', () => {
  const found = put(
    board,
    create(TileSchema, { id: 'c', content: { case: 'query', value: { question: series } } }),
  )
  expect(found.tiles[2]!.layout).toMatchObject({ x: 6, y: 0, width: 6 })
  expect(places(found).slice(0, 2)).toEqual(places(board))
})

test('a tile is replaced where it stands', () => {
  const found = put(board, create(TileSchema, { ...board.tiles[0]!, title: 'Other' }))
  expect(found.tiles.map(({ title }) => title)).toEqual(['Other', 'Above'])
  expect(board.tiles[0]!.title).toBe('Below')
})

test('what was beneath a deleted tile rises', () => {
  expect(without(board, 'a').tiles[0]!.layout).toMatchObject({ y: 0 })
})

test('a tile twice has two ids', () => {
  const found = doubled(board, 'b')
  expect(new Set(found.tiles.map(({ id }) => id)).size).toBe(3)
  expect(found.tiles[2]!.title).toBe('Below')
})

test('a saved dashboard is asked for by its name, one that is changed as a draft', () => {
  expect(asked(board, PLAIN, false).dashboard).toEqual({ case: 'name', value: board.name })
  expect(asked(board, PLAIN, true).dashboard?.case).toBe('draft')
  expect(asked(board, PLAIN, true).project).toBe('projects/demo')
})

test('moving and naming tiles asks nothing anew', () => {
  const key = (dashboard: Dashboard) => keyOf(asked(dashboard, PLAIN, true))
  const moved = laid(
    board,
    places(board).map(place => ({ ...place, y: place.y + 9 })),
  )
  expect(key(moved)).toBe(key(board))
  expect(key(changed(board, { tiles: board.tiles.toReversed() }))).toBe(key(board))
  expect(key(put(board, create(TileSchema, { ...board.tiles[0]!, title: 'Other' })))).toBe(key(board))
  expect(key(without(board, 'b'))).not.toBe(key(board))
})

test('what a reader chooses goes along, but no variable that there is not', () => {
  const view = {
    ...PLAIN,
    range: last(60),
    variables: new Map([
      ['country', ['DE']],
      ['gone', ['x']],
    ]),
  }
  expect(asked(board, view, false)).toMatchObject({
    timeRange: last(60),
    variables: [{ id: 'country', values: ['DE'] }],
  })
})

test('a comparison is asked for by a draft, and the dashboard stays as it is', () => {
  const { dashboard } = asked(board, { ...PLAIN, compared: true }, false)
  const question =
    dashboard?.case === 'draft' ? dashboard.value.tiles?.find(({ id }) => id === 'b')?.content : undefined
  expect(question).toMatchObject({ value: { question: { value: { compare: Compare.PREVIOUS_PERIOD } } } })
  expect(JSON.stringify(board.tiles[0]!.content)).not.toContain('"compare":1')
})

test('what somebody else has changed is told', () => {
  const theirs = put(
    without(changed(board, { displayName: 'Store' }), 'a'),
    create(TileSchema, { id: 'n', title: 'New', content: { case: 'text', value: '' } }),
  )
  const found = differences(board, theirs)
  expect(found).toContain('It is called “Store” now.')
  expect(found).toContain('“New” was added.')
  expect(found).toContain('“Above” was deleted.')
  expect(found).toContain('Tiles were moved or resized.')
  expect(differences(board, board)).toEqual([])
})
