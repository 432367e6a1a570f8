import { type MessageInitShape, create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { Aggregation, type MeasureSchema, QuerySchema, Source } from '../../src/gen/tidemark/v1/question_pb'
import { label, titles } from '../../src/model/measures'

function named(...measures: MessageInitShape<typeof MeasureSchema>[]) {
  const query = create(QuerySchema, {
    question: { case: 'series', value: { measures, formulas: [{ expression: 'B / A' }] } },
  })
  return titles(query).map(({ title }) => title)
}

test('a measure is called by what it measures', () => {
  expect(named({ aggregation: Aggregation.COUNT })[0]).toBe('all events')
  expect(named({ name: 'commit', aggregation: Aggregation.UNIQUES })[0]).toBe('people of commit')
  expect(named({ name: 'order', aggregation: Aggregation.SUM, field: 'properties.amount' })[0]).toBe(
    'sum amount of order',
  )
  expect(
    named({ name: 'cpu', source: Source.METRICS, aggregation: Aggregation.QUANTILE, quantile: 0.95 })[0],
  ).toBe('p95 cpu')
})

test('what all measures are about is not said by each', () => {
  const both = [
    { name: 'order', aggregation: Aggregation.COUNT },
    { name: 'order', aggregation: Aggregation.SUM, field: 'properties.amount' },
  ]
  expect(named(...both)).toEqual(['events', 'sum amount', 'B / A'])
})

test('hidden measures are not shown, and the others keep their letters', () => {
  const query = create(QuerySchema, {
    question: { case: 'series', value: { measures: [{ name: 'a', hidden: true }, { name: 'b' }] } },
  })
  expect(titles(query)).toEqual([{ id: 'B', title: 'b', unit: '' }])
})

test('lines of several measures say which', () => {
  const known = [
    { id: 'A', title: 'orders', unit: '' },
    { id: 'B', title: 'refunds', unit: '' },
  ]
  expect(label({ measureId: 'B', group: ['DE'], other: false }, known)).toBe('DE · refunds')
  expect(label({ measureId: 'B', group: [], other: false }, known)).toBe('refunds')
  expect(label({ measureId: 'A', group: [], other: true }, known.slice(0, 1))).toBe('other')
})
