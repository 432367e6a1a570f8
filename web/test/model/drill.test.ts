import { type MessageInitShape, create, toJson } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { describe, expect, test } from 'vitest'
import { TileSchema } from '../../src/gen/tidemark/v1/dashboard_pb'
import { Aggregation, LifecycleState, QuerySchema, Source } from '../../src/gen/tidemark/v1/question_pb'
import { same } from '../../src/model/condition'
import { type Point, behind, heading } from '../../src/model/drill'

type Question = NonNullable<MessageInitShape<typeof QuerySchema>['question']>

const around = { span: { start: 0, end: 1_000_000 }, zone: 'UTC', filters: [same('context.app', 'shop')] }

function ask(question: Question, point: Point) {
  const tile = create(TileSchema, { title: 'Orders', content: { case: 'query', value: { question } } })
  const { events, people } = behind(tile, point, around)
  return {
    events: events && toJson(QuerySchema, events),
    people: people && toJson(QuerySchema, people),
    span: events?.timeRange && [timestampMs(events.timeRange.start!), timestampMs(events.timeRange.end!)],
  }
}

const measure = {
  name: 'order_placed',
  aggregation: Aggregation.COUNT,
  filter: same('properties.paid', 'yes'),
}

describe('a point of a series', () => {
  const question: Question = {
    case: 'series',
    value: { measures: [measure], groupBy: ['properties.country'], filter: same('user_id', 'ann') },
  }
  const point: Point = {
    kind: 'series',
    measure: 'A',
    group: ['DE'],
    other: false,
    span: { start: 10, end: 20 },
  }

  test('asks for the events of its bucket under all conditions', () => {
    const { events, span } = ask(question, point)
    expect(span).toEqual([10, 20])
    const text = JSON.stringify(events)
    for (const part of ['order_placed', 'properties.paid', 'user_id', 'DE', 'context.app'])
      expect(text).toContain(part)
  })

  test('asks for people who did the same', () => {
    expect(JSON.stringify(ask(question, point).people)).toContain('"did":{"name":"order_placed"')
  })

  test('of the rest, or of a metric, has nothing to ask', () => {
    expect(ask(question, { ...point, other: true }).events).toBeUndefined()
    const metric: Question = {
      case: 'series',
      value: { measures: [{ name: 'cpu', source: Source.METRICS }] },
    }
    expect(ask(metric, { ...point, group: [] })).toEqual({
      events: undefined,
      people: undefined,
      span: undefined,
    })
  })
})

test('a row of a table of several measures asks by its group alone', () => {
  const question: Question = {
    case: 'table',
    value: { measures: [measure, { ...measure, name: 'refund' }], groupBy: ['properties.country'] },
  }
  const { events } = ask(question, { kind: 'row', group: ['DE'], other: false })
  expect(JSON.stringify(events)).toContain('DE')
  expect(JSON.stringify(events)).not.toContain('order_placed')
})

test('a step of a funnel asks who came there, of which group, and the filters hold for the funnel', () => {
  const question: Question = {
    case: 'funnel',
    value: { steps: [{ name: 'a' }, { name: 'b' }], groupBy: 'properties.country' },
  }
  const { events, people } = ask(question, { kind: 'funnel', step: 1, lost: true, group: 'DE' })
  expect(events).toBeUndefined()
  expect(people).toMatchObject({ people: { funnel: { step: 1, lost: true, group: 'DE' } } })
  expect(JSON.stringify(people)).toContain('context.app')
})

test('a cell of a retention asks who came back then', () => {
  const question: Question = { case: 'retention', value: { periods: 4 } }
  const { people } = ask(question, { kind: 'retention', start: 86_400_000, offset: 2 })
  expect(people).toMatchObject({ people: { retention: { start: '1970-01-02T00:00:00Z', offset: 2 } } })
})

test('a state of a lifecycle asks who was in it', () => {
  const question: Question = { case: 'lifecycle', value: { activity: { name: 'commit' } } }
  const { people } = ask(question, { kind: 'lifecycle', start: 0, state: LifecycleState.DORMANT })
  expect(people).toMatchObject({ people: { lifecycle: { state: 'LIFECYCLE_STATE_DORMANT' } } })
})

test('what is behind a point has a heading', () => {
  const tile = create(TileSchema, { title: 'Orders' })
  expect(heading(tile, { kind: 'row', group: ['DE', ''], other: false }, 'UTC')).toBe('Orders · DE · (none)')
  expect(heading(tile, { kind: 'funnel', step: 1, lost: true }, 'UTC')).toBe('Orders · lost before step 2')
})
