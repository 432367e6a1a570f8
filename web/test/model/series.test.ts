import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { describe, expect, test } from 'vitest'
import {
  Aggregation,
  LifecycleResultSchema,
  QuerySchema,
  SeriesResultSchema,
} from '../../src/gen/tidemark/v1/question_pb'
import { chart, growing, lifecycle, stacked, summed } from '../../src/model/series'

const query = create(QuerySchema, {
  question: {
    case: 'series',
    value: { measures: [{ name: 'commit', aggregation: Aggregation.COUNT }], groupBy: ['user_id'] },
  },
})

function result(
  lines: { group: string; values: number[]; previousValues?: number[] }[],
  starts = [0, 10, 20],
) {
  return create(SeriesResultSchema, {
    bucketStarts: starts.map(timestampFromMs),
    series: lines.map(({ group, ...line }) => ({ measureId: 'A', group: [group], ...line })),
  })
}

test('what was not measured is a gap', () => {
  const { lines } = chart(result([{ group: 'ann', values: [1, NaN, 3] }]), query)
  expect(lines[0]!.values).toEqual([1, null, 3])
})

test('lines are called by their group, and a missing value has a name', () => {
  const { lines } = chart(
    result([
      { group: 'ann', values: [] },
      { group: '', values: [] },
    ]),
    query,
  )
  expect(lines.map(({ label }) => label)).toEqual(['ann', '(none)'])
})

test('buckets are as wide as the least distance, a single one until the end', () => {
  expect(chart(result([], [0, 31, 59]), query).width).toBe(28)
  expect(chart(result([], [5]), query, '', 12).width).toBe(7)
  expect(chart(result([], [5]), query).width).toBe(86_400_000)
})

describe('stacking', () => {
  test('lines stand on those before', () => {
    const { values, on } = stacked([{ values: [1, 2] }, { values: [3, null] }, { values: [5, 6] }])
    expect(values).toEqual([
      [1, 2],
      [4, 2],
      [9, 8],
    ])
    expect(on).toEqual([undefined, 0, 1])
  })

  test('what is below zero hangs apart', () => {
    const { values, on } = stacked([{ values: [1] }, { values: [-2] }, { values: [3] }, { values: [-4] }])
    expect(values).toEqual([[1], [-2], [4], [-6]])
    expect(on).toEqual([undefined, undefined, 0, 1])
  })

  test('nothing stacks to nothing', () => {
    expect(stacked([])).toEqual({ values: [], on: [] })
  })
})

test('a sum leaves out what is missing', () => {
  expect(
    summed([
      [1, null, 3],
      [10, null, null],
    ]),
  ).toEqual([11, null, 3])
})

test('the dormant stand below the line', () => {
  const { lines } = lifecycle(
    create(LifecycleResultSchema, {
      starts: [timestampFromMs(0)],
      new: [1n],
      returning: [2n],
      resurrecting: [3n],
      dormant: [4n],
    }),
  )
  expect(lines.map(({ values }) => values[0])).toEqual([1, 2, 3, -4])
})

test('buckets that had not ended at the watermark may still grow', () => {
  const drawn = chart(result([], [0, 10, 20]), query)
  expect(growing(drawn, 15)).toBe(1)
  expect(growing(drawn, 10)).toBe(1)
  expect(growing(drawn, 30)).toBe(3)
  expect(growing(drawn, undefined)).toBe(0)
})
