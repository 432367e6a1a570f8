import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import {
  Cause,
  InsightSchema,
  InsightType,
  Insight_State as State,
  Severity,
} from '../../../src/gen/tidemark/v1/insight_pb'
import { ALL, asked, fits, merged, read, write } from '../../../src/insights/model/feed'

const insight = (id: string, fields: object = {}) =>
  create(InsightSchema, {
    name: `projects/demo/insights/${id}`,
    type: InsightType.ANOMALY,
    severity: Severity.HIGH,
    state: State.OPEN,
    title: 'Orders fell',
    subject: 'order_placed',
    priority: 50,
    ...fields,
  })

const names = (feed: { name: string }[]) => feed.map(({ name }) => name.slice(-1))

test('what matters most comes first, and what is found again takes its new place', () => {
  const [a, b] = [insight('a', { priority: 80 }), insight('b', { priority: 60 })]
  const feed = merged([], [b, a], ALL)
  expect(names(feed)).toEqual(['a', 'b'])
  expect(names(merged(feed, [insight('b', { priority: 90 })], ALL))).toEqual(['b', 'a'])
})

test('of equal priority the order stays the same', () => {
  expect(names(merged([], [insight('b'), insight('a')], ALL))).toEqual(['a', 'b'])
})

test('what is dismissed or expired leaves the feed, unless it is asked for', () => {
  const feed = [insight('a')]
  const gone = insight('a', { state: State.DISMISSED })
  expect(merged(feed, [gone], ALL)).toEqual([])
  expect(names(merged(feed, [gone], { ...ALL, state: State.DISMISSED }))).toEqual(['a'])
})

test.each([
  ['type', { type: InsightType.TREND }],
  ['severity', { least: Severity.CRITICAL }],
  ['state', { state: State.ACKNOWLEDGED }],
  ['cause', { cause: Cause.DATA_INCIDENT }],
  ['text', { search: 'refunds' }],
])('another %s does not fit', (_, wanted) => {
  expect(fits(insight('a'), { ...ALL, ...wanted })).toBe(false)
})

test('a text is sought in title and series, in any case', () => {
  expect(fits(insight('a'), { ...ALL, search: 'ORDERS' })).toBe(true)
  expect(fits(insight('a'), { ...ALL, search: 'placed' })).toBe(true)
})

test('what is wanted survives the address', () => {
  const wanted = { type: 2, least: 3, state: 1, cause: 2, search: 'a & b' }
  expect(read(write(wanted))).toEqual(wanted)
  expect(write(ALL)).toBe('')
  expect(read('?type=nonsense')).toEqual(ALL)
})

test('nothing wanted asks for everything that is told', () => {
  expect(asked(ALL)).toEqual({ types: [], leastSeverity: 0, states: [], cause: 0, search: '' })
  expect(asked({ ...ALL, type: 1, state: 2 })).toMatchObject({ types: [1], states: [2] })
})
