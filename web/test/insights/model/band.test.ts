import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { BacktestPointSchema, SeriesForecastSchema } from '../../../src/gen/tidemark/v1/forecast_pb'
import { EvidenceSeriesSchema } from '../../../src/gen/tidemark/v1/insight_pb'
import { backtest, drawn, evidence, forecast } from '../../../src/insights/model/band'
import type { Chart, Line } from '../../../src/model/series'

const HOUR = 3_600_000
const at = (hour: number) => timestampFromMs(hour * HOUR)
const starts = [at(0), at(1), at(2)]
const series = (fields: object) =>
  create(EvidenceSeriesSchema, { label: 'orders', values: [1, 2, NaN], ...fields })

const past = (length: number): Chart & { lines: [Line] } => ({
  starts: Array.from({ length }, (_, hour) => hour * HOUR),
  width: HOUR,
  lines: [
    {
      key: 'A',
      label: 'orders',
      unit: '',
      measure: 'A',
      group: [],
      other: false,
      values: Array.from({ length }, (_, hour) => hour),
      previous: [],
      total: 0,
      previousTotal: NaN,
    },
  ],
})

test('what has no value is a gap, and what was expected is drawn with its band', () => {
  const band = evidence(
    starts,
    series({ expected: [1, 1, 1], lower: [0, 0, NaN], upper: [2, 2, 2], marked: [1] }),
  )
  expect(band).toMatchObject({ values: [1, 2, null], lower: [0, 0, null], limit: false, marked: [1] })
  expect(drawn(band)).toMatchObject({
    width: HOUR,
    lines: [{ previous: [1, 1, 1], band: { upper: [2, 2, 2] } }],
  })
})

test('an end that is what is allowed is a limit and no band', () => {
  const nothing = [NaN, NaN, NaN]
  const band = evidence(starts, series({ expected: [5, 5, 5], lower: nothing, upper: [5, 5, 5] }))
  expect(band).toMatchObject({ limit: true, expected: [5, 5, 5], lower: [], upper: [] })
  expect(drawn(band).lines[0]!.band).toBeUndefined()
})

test('a band with one end reaches from what was expected to it', () => {
  const band = evidence(starts, series({ expected: [5, 5, 5], lower: [4, 4, 4], upper: [] }))
  expect(band).toMatchObject({ limit: false, lower: [4, 4, 4], upper: [5, 5, 5] })
})

test('a series without expectation is drawn as it is', () => {
  expect(evidence(starts, series({}))).toMatchObject({ expected: [], limit: false, lower: [], upper: [] })
})

test('a forecast goes on where the past has ended, without the bucket that has not', () => {
  const made = create(SeriesForecastSchema, { measureId: 'A', values: [4, 5], lower: [3, 3], upper: [5, 7] })
  const chart = past(5)
  const band = forecast(chart, chart.lines[0], 4, [at(4), at(5)], made)
  expect(band.starts).toEqual([0, 1, 2, 3, 4, 5].map(hour => hour * HOUR))
  expect(band.values).toEqual([0, 1, 2, 3, null, null])
  expect(band.expected).toEqual([null, null, null, null, 4, 5])
  expect(band.upper).toEqual([null, null, null, null, 5, 7])
})

test('of a long past the end is drawn', () => {
  const made = create(SeriesForecastSchema, { values: [1] })
  const chart = past(1000)
  const band = forecast(chart, chart.lines[0], 1000, [at(1000)], made)
  expect(band.starts).toHaveLength(121)
  expect(band.values.at(-2)).toBe(999)
  expect(band.lower).toEqual([])
})

test('a forecast without a past that was drawn stands alone', () => {
  const made = create(SeriesForecastSchema, { measureId: 'A', values: [1], unit: 's' })
  expect(forecast(past(3), undefined, 3, [at(3)], made)).toMatchObject({
    label: 'A',
    unit: 's',
    values: [null],
  })
})

test('of a bucket that was forecast several times the last one counts', () => {
  const point = (hour: number, value: number, truth: number) =>
    create(BacktestPointSchema, { bucketStart: at(hour), value, truth, lower: value - 1, upper: value + 1 })
  const band = backtest('orders', '', [point(2, 5, 7), point(1, 3, 4), point(2, 6, 7)])
  expect(band).toMatchObject({ starts: [HOUR, 2 * HOUR], expected: [3, 6], values: [4, 7], lower: [2, 5] })
})
