import { expect, test } from 'vitest'
import type { Chart, Line } from '../../src/model/series'
import { type Look, columns, options } from '../../src/tiles/uplot'

const line: Line = {
  key: 'A',
  label: 'orders',
  unit: '',
  measure: 'A',
  group: [],
  other: false,
  values: [1, 9, 2],
  previous: [1, 2, 2],
  total: 12,
  previousTotal: NaN,
}
const look: Look = {
  mode: 'line',
  stacked: false,
  colours: new Map([['A', 1]]),
  hidden: new Set(),
  growing: 3,
}
const chart = (part: Partial<Line>): Chart => ({ starts: [0, 1, 2], width: 1, lines: [{ ...line, ...part }] })

test('the ends of a band and what is pointed at come after the lines', () => {
  const drawn = columns(chart({ band: { lower: [0, 1, 1], upper: [2, 3, 3] }, marked: [1] }), look)
  expect(drawn.data).toEqual([
    [0, 1, 2],
    [1, 9, 2],
    [1, 2, 2],
    [2, 3, 3],
    [0, 1, 1],
    [null, 9, null],
  ])
  const made = options(drawn, look, { shape: {}, zone: 'UTC', current: () => ({ chart: chart({}), look }) })
  expect(made.series).toHaveLength(6)
  expect(made.bands).toMatchObject([{ series: [3, 4] }])
})

test('a plain line has neither', () => {
  expect(columns(chart({ previous: [] }), look)).toMatchObject({ bands: [], marks: 0, previous: [] })
  const hidden = { ...look, hidden: new Set(['A']) }
  expect(columns(chart({ band: { lower: [], upper: [] }, marked: [0] }), hidden).data).toEqual([[0, 1, 2]])
})
