import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { describe, expect, test } from 'vitest'
import {
  Aggregation,
  EventsResultSchema,
  FunnelResultSchema,
  QuerySchema,
  RetentionResultSchema,
  SeriesResultSchema,
  TableResultSchema,
} from '../../src/gen/tidemark/v1/question_pb'
import { type Row, csv, sheet, sorted } from '../../src/model/sheet'

const query = create(QuerySchema, {
  question: {
    case: 'table',
    value: { measures: [{ name: 'order', aggregation: Aggregation.COUNT }], groupBy: ['properties.country'] },
  },
})
const table = create(TableResultSchema, {
  columns: [{ id: 'A' }],
  rows: [
    { group: ['DE'], values: [5], previousValues: [4] },
    { group: [''], values: [NaN] },
    { other: true, values: [7] },
  ],
})

test('a table has its groups first and knows what is missing', () => {
  const { columns, rows } = sheet({ case: 'table', value: table }, query)
  expect(columns.map(({ title }) => title)).toEqual(['country', 'order'])
  expect(rows.map(({ cells }) => cells)).toEqual([
    ['DE', 5],
    ['(none)', null],
    ['other', 7],
  ])
  expect(rows[0]!.previous).toEqual([null, 4])
})

test('a series has a row for each bucket', () => {
  const value = create(SeriesResultSchema, {
    bucketStarts: [timestampFromMs(0), timestampFromMs(1000)],
    series: [{ measureId: 'A', values: [1, NaN] }],
  })
  expect(sheet({ case: 'series', value }, undefined).rows.map(({ cells }) => cells)).toEqual([
    [0, 1],
    [1000, null],
  ])
})

test('a funnel has a row for each step, a retention for each beginning', () => {
  const funnel = create(FunnelResultSchema, {
    groups: [
      {
        all: true,
        steps: [
          { displayName: 'a', people: 4n },
          { displayName: 'b', people: 1n },
        ],
      },
    ],
  })
  expect(sheet({ case: 'funnel', value: funnel }, undefined).rows).toHaveLength(2)
  const retention = create(RetentionResultSchema, {
    groups: [
      {
        all: true,
        rows: [
          { start: timestampFromMs(0), people: 3n, back: [3n, 1n] },
          { start: timestampFromMs(1), people: 2n, back: [2n] },
        ],
      },
    ],
  })
  expect(
    sheet({ case: 'retention', value: retention }, undefined).rows.map(({ cells }) => cells.slice(3)),
  ).toEqual([
    [3, 1],
    [2, null],
  ])
})

describe('sorting', () => {
  const rows = sheet({ case: 'table', value: table }, query).rows
  const names = (found: Row[]) => found.map(({ cells }) => cells[0])

  test('the rest stays last, and nothing comes before it', () => {
    expect(names(sorted(rows, { by: 1, down: true }))).toEqual(['DE', '(none)', 'other'])
    expect(names(sorted(rows, { by: 1, down: false }))).toEqual(['DE', '(none)', 'other'])
  })

  test('rows are found by any of their texts', () => {
    expect(names(sorted(rows, { down: true }, ' de '))).toEqual(['DE'])
  })

  test('sorting leaves the rows as they were', () => {
    sorted(rows, { by: 0, down: true })
    expect(names(rows)).toEqual(['DE', '(none)', 'other'])
  })
})

describe('a file', () => {
  test('runs nothing in a spreadsheet', () => {
    const events = create(EventsResultSchema, {
      events: [
        { event: { name: '=cmd()', userId: '@SUM(A1)', sessionId: '-1+1', occurredAt: timestampFromMs(0) } },
      ],
    })
    const text = csv(sheet({ case: 'events', value: events }, undefined))
    expect(text).toContain("1970-01-01T00:00:00.000Z,'=cmd(),'@SUM(A1),'-1+1,{}")
  })

  test('quotes what needs it', () => {
    const text = csv({
      columns: [{ title: 'a,b', kind: 'text' }],
      rows: [{ cells: ['say "x"\ny'], previous: [], group: [], other: false }],
    })
    expect(text).toBe('"a,b"\r\n"say ""x""\ny"\r\n')
  })

  test('has negative numbers as numbers', () => {
    expect(
      csv({
        columns: [{ title: 'n', kind: 'number' }],
        rows: [{ cells: [-5], previous: [], group: [], other: false }],
      }),
    ).toBe('n\r\n-5\r\n')
  })
})
