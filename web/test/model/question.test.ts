import { create } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { Aggregation, Operator, QuerySchema, Source } from '../../src/gen/tidemark/v1/question_pb'
import {
  KINDS,
  count,
  filterOf,
  filtered,
  first,
  letter,
  missing,
  namesOf,
  turned,
} from '../../src/model/question'

const filter = {
  node: { case: 'comparison' as const, value: { field: 'user_id', operator: Operator.EXISTS, values: [] } },
}
const funnel = create(QuerySchema, {
  timeRange: { last: { seconds: 3600n } },
  timeZone: 'Europe/Berlin',
  question: {
    case: 'funnel',
    value: { filter, steps: [{ name: 'visit' }, { name: 'buy' }, { name: 'visit' }] },
  },
})

describe('another kind of question', () => {
  test.each(KINDS)('$kind keeps time and zone and can be asked at once', ({ kind }) => {
    const other = turned(funnel, kind)
    expect(other.question.case).toBe(kind)
    expect(other.timeRange).toEqual(funnel.timeRange)
    expect(other.timeZone).toBe('Europe/Berlin')
    expect(missing(other)).toBeUndefined()
  })

  test.each(KINDS)('$kind keeps the condition', ({ kind }) => {
    expect(filterOf(turned(funnel, kind))).toEqual(filterOf(funnel))
  })

  test.each(KINDS)('$kind can be given another condition, and stays as it was', ({ kind }) => {
    const query = turned(funnel, kind)
    expect(filterOf(filtered(query, undefined))).toBeUndefined()
    expect(filterOf(filtered(filtered(query, undefined), filterOf(funnel)))).toEqual(filterOf(funnel))
    expect(filterOf(query)).toEqual(filterOf(funnel))
  })

  test('names of events go along, each once', () => {
    expect(namesOf(funnel)).toEqual(['visit', 'buy'])
    expect(namesOf(turned(funnel, 'series'))).toEqual(['visit', 'buy'])
    expect(namesOf(turned(turned(funnel, 'retention'), 'funnel'))).toEqual(['visit', 'buy'])
  })

  test('names of metrics are no names of events', () => {
    const metrics = create(QuerySchema, {
      question: {
        case: 'series',
        value: { measures: [{ source: Source.METRICS, name: 'cpu', aggregation: Aggregation.AVG }] },
      },
    })
    expect(namesOf(metrics)).toEqual([])
  })

  test('the same kind is the same question', () => {
    expect(turned(funnel, 'funnel')).toBe(funnel)
  })
})

describe('what is missing', () => {
  function asked(measure: object) {
    return create(QuerySchema, {
      question: { case: 'series', value: { measures: [{ ...count(), ...measure }] } },
    })
  }

  test('nothing, in the question that everything begins with', () => {
    expect(missing(first())).toBeUndefined()
  })

  test('a metric without a name', () => {
    expect(missing(asked({ source: Source.METRICS }))).toBe('Measure A needs the name of a metric.')
  })

  test('a sum of nothing', () => {
    expect(missing(asked({ aggregation: Aggregation.SUM }))).toBe('Measure A needs a property to aggregate.')
    expect(missing(asked({ aggregation: Aggregation.SUM, field: 'properties.amount' }))).toBeUndefined()
    expect(
      missing(asked({ source: Source.METRICS, name: 'cpu', aggregation: Aggregation.AVG })),
    ).toBeUndefined()
  })

  test('measures, steps, formulas and cohorts that are not there', () => {
    const of = (question: NonNullable<Parameters<typeof create<typeof QuerySchema>>[1]>['question']) =>
      missing(create(QuerySchema, { question }))
    expect(of({ case: 'table', value: {} })).toMatch('Add a measure')
    expect(of({ case: 'funnel', value: { steps: [{ name: 'a' }] } })).toMatch('two steps')
    expect(of({ case: 'series', value: { measures: [count()], formulas: [{ expression: ' ' }] } })).toMatch(
      'F1 is empty',
    )
    expect(of({ case: 'people', value: { group: { case: 'cohort', value: '' } } })).toMatch('cohort')
  })
})

test('measures are named by letters', () => {
  expect([0, 1, 25].map(letter)).toEqual(['A', 'B', 'Z'])
})
