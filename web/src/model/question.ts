/** Questions as people begin them: the kinds there are, a first question of each, and what a change of kind keeps. */
import { type MessageInitShape, clone, create } from '@bufbuild/protobuf'
import {
  Aggregation,
  type Filter,
  Interval_Unit,
  type Measure,
  MeasureSchema,
  type Query,
  QuerySchema,
  Source,
  type Step,
  StepSchema,
  type TimeRange,
} from '../gen/tidemark/v1/question_pb'

export type Kind = NonNullable<Query['question']['case']>

export const KINDS: { kind: Kind; title: string; hint: string }[] = [
  { kind: 'series', title: 'Trend', hint: 'Measures over time' },
  { kind: 'table', title: 'Table', hint: 'Measures of groups, largest first' },
  { kind: 'funnel', title: 'Funnel', hint: 'How many go from step to step' },
  { kind: 'retention', title: 'Retention', hint: 'How many come back' },
  { kind: 'lifecycle', title: 'Lifecycle', hint: 'New, returning, resurrecting, dormant' },
  { kind: 'sessions', title: 'Sessions', hint: 'How long people stay' },
  { kind: 'paths', title: 'Paths', hint: 'What comes next' },
  { kind: 'events', title: 'Events', hint: 'The events themselves' },
  { kind: 'people', title: 'People', hint: 'Who did it' },
]

/** How the ways to aggregate are called; `over` says what they need. */
export const AGGREGATIONS: {
  aggregation: Aggregation
  title: string
  over: 'nothing' | 'number' | 'field'
}[] = [
  { aggregation: Aggregation.COUNT, title: 'Count', over: 'nothing' },
  { aggregation: Aggregation.UNIQUES, title: 'Unique', over: 'field' },
  { aggregation: Aggregation.RATE, title: 'Per second', over: 'nothing' },
  { aggregation: Aggregation.SUM, title: 'Sum', over: 'number' },
  { aggregation: Aggregation.AVG, title: 'Average', over: 'number' },
  { aggregation: Aggregation.MIN, title: 'Least', over: 'number' },
  { aggregation: Aggregation.MAX, title: 'Greatest', over: 'number' },
  { aggregation: Aggregation.QUANTILE, title: 'Percentile', over: 'number' },
]

export const UNITS: { unit: Interval_Unit; title: string }[] = [
  { unit: Interval_Unit.SECOND, title: 'second' },
  { unit: Interval_Unit.MINUTE, title: 'minute' },
  { unit: Interval_Unit.HOUR, title: 'hour' },
  { unit: Interval_Unit.DAY, title: 'day' },
  { unit: Interval_Unit.WEEK, title: 'week' },
  { unit: Interval_Unit.MONTH, title: 'month' },
]

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** The id that a measure has when it is given none, by its place. */
export function letter(place: number): string {
  return LETTERS[place] ?? `M${place + 1}`
}

/** A measure that counts an event, or all of them. */
export function count(name = ''): Measure {
  return create(MeasureSchema, { source: Source.EVENTS, name, aggregation: Aggregation.COUNT })
}

/** A step of any event, or of the one with this name. */
export function step(name = ''): Step {
  return create(StepSchema, { name })
}

/** What explorers begin with: all events of the last day. */
export function first(): Query {
  const timeRange = { last: { seconds: 86_400n } }
  return create(QuerySchema, { timeRange, question: { case: 'series', value: { measures: [count()] } } })
}

/** The same time and filter asked in another way; names of events go along where the other way has a place for them. */
export function turned(query: Query, kind: Kind): Query {
  if (query.question.case === kind) return query
  const { timeRange, timeZone } = query
  const question = begun(kind, namesOf(query), filterOf(query), timeRange)
  return create(QuerySchema, { timeRange, timeZone, question })
}

type Question = NonNullable<MessageInitShape<typeof QuerySchema>['question']>

function begun(kind: Kind, names: string[], filter: Filter | undefined, range?: TimeRange): Question {
  const [name = '', ...others] = names
  const period = long(range) ? Interval_Unit.WEEK : Interval_Unit.DAY
  switch (kind) {
    case 'events':
      return { case: kind, value: { filter } }
    case 'series':
      return { case: kind, value: { filter, measures: names.length ? names.map(count) : [count()] } }
    case 'table':
      return { case: kind, value: { filter, measures: [count(name)], groupBy: ['name'] } }
    case 'funnel':
      return {
        case: kind,
        value: { filter, steps: [step(name), step(others[0]), ...others.slice(1).map(step)] },
      }
    case 'retention':
      return { case: kind, value: { filter, start: step(name), back: step(others[0] ?? name), period } }
    case 'lifecycle':
      return { case: kind, value: { activity: { name, filter }, period } }
    case 'sessions':
      return { case: kind, value: { filter } }
    case 'paths':
      return { case: kind, value: { filter, start: step(name) } }
    case 'people':
      return { case: kind, value: { group: { case: 'did', value: { name, filter } } } }
    case 'window':
      return { case: kind, value: {} }
  }
}

/** Whether a range is so long that days are too many. */
function long(range: TimeRange | undefined): boolean {
  const seconds = range?.last?.seconds ?? 0n
  return seconds > 90n * 86_400n
}

/** The names of the events that a question is about, in order and each once. */
export function namesOf({ question }: Query): string[] {
  switch (question.case) {
    case 'series':
    case 'table':
      return some(
        question.value.measures.filter(each => each.source !== Source.METRICS).map(each => each.name),
      )
    case 'funnel':
      return some(question.value.steps.map(each => each.name))
    case 'retention':
      return some([question.value.start?.name, question.value.back?.name])
    case 'lifecycle':
      return some([question.value.activity?.name])
    case 'paths':
      return some([question.value.start?.name])
    case 'people':
      return question.value.group.case === 'did' ? some([question.value.group.value.name]) : []
    default:
      return []
  }
}

/** The condition that holds for the whole question. */
export function filterOf({ question }: Query): Filter | undefined {
  switch (question.case) {
    case 'lifecycle':
      return question.value.activity?.filter
    case 'people':
      return question.value.group.case === 'did' ? question.value.group.value.filter : undefined
    case 'window':
    case undefined:
      return undefined
    default:
      return question.value.filter
  }
}

/** The question with another condition for the whole of it. */
export function filtered(query: Query, filter: Filter | undefined): Query {
  const copy = clone(QuerySchema, query)
  const { question } = copy
  if (question.case === 'lifecycle') (question.value.activity ??= step()).filter = filter
  else if (question.case === 'people') {
    if (question.value.group.case === 'did') question.value.group.value.filter = filter
  } else if (question.case && question.case !== 'window') question.value.filter = filter
  return copy
}

function some(names: (string | undefined)[]): string[] {
  return [...new Set(names.filter(name => !!name))] as string[]
}

/** What keeps a question from being asked yet, as a sentence; undefined when nothing does. */
export function missing({ question }: Query): string | undefined {
  if (question.case === 'series' || question.case === 'table') {
    const { measures } = question.value
    if (measures.length === 0) return 'Add a measure.'
    for (const [place, { source, name, aggregation, field }] of measures.entries()) {
      const which = `Measure ${letter(place)}`
      if (source === Source.METRICS && !name) return `${which} needs the name of a metric.`
      const over = AGGREGATIONS.find(each => each.aggregation === aggregation)?.over
      if (source !== Source.METRICS && over === 'number' && !field)
        return `${which} needs a property to aggregate.`
    }
    for (const [place, { expression }] of question.value.formulas.entries())
      if (!expression.trim()) return `Formula F${place + 1} is empty: write one, as in B / A * 100.`
  }
  if (question.case === 'funnel' && question.value.steps.length < 2)
    return 'A funnel needs two steps or more.'
  if (question.case === 'people' && question.value.group.case === 'cohort' && !question.value.group.value)
    return 'Choose a cohort.'
  return undefined
}
