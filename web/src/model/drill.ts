/** What is behind a point: a tile and where somebody clicked come in, the questions about its events and its people go out. */
import { type MessageInitShape, create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { Tile } from '../gen/tidemark/v1/dashboard_pb'
import {
  type Filter,
  LifecycleState,
  type Measure,
  type Query,
  QuerySchema,
  Source,
} from '../gen/tidemark/v1/question_pb'
import { every, same } from './condition'
import { day, instant } from './format'
import { groupOf } from './measures'
import { letter } from './question'
import { type Span, absolute } from './range'

/** Where somebody clicked. */
export type Point =
  | { kind: 'series'; measure: string; group: readonly string[]; other: boolean; span?: Span }
  | { kind: 'row'; group: readonly string[]; other: boolean }
  | { kind: 'funnel'; step: number; lost: boolean; group?: string }
  | { kind: 'retention'; start: number; offset: number }
  | { kind: 'lifecycle'; start: number; state: LifecycleState }

/** What a dashboard adds to the questions of its tiles: the span that was answered, the zone, and filters. */
export type Surroundings = { span: Span; zone: string; filters: readonly (Filter | undefined)[] }

export type Behind = { events?: Query; people?: Query }

type Question = NonNullable<MessageInitShape<typeof QuerySchema>['question']>

/** The questions behind a point: none about events where only people can be told, none at all behind metrics and `other`. */
export function behind({ content }: Tile, point: Point, around: Surroundings): Behind {
  if (content.case !== 'query') return {}
  const { question } = content.value
  if (question.case === 'series' && point.kind === 'series' && !point.other) {
    const { measures, groupBy, filter } = question.value
    const measure = measured(measures, point.measure)
    const where = [measure?.filter, filter, ...grouped(groupBy, point.group)]
    return measure ? did(measure.name, where, { ...around, span: point.span ?? around.span }) : {}
  }
  if (question.case === 'table' && point.kind === 'row' && !point.other) {
    const { measures, groupBy, filter } = question.value
    const where = [filter, ...grouped(groupBy, point.group)]
    if (measures.every(({ source }) => source === Source.METRICS)) return {}
    // Rows of several measures are told by their group alone.
    const [only, ...more] = measures
    return more.length || !only ? did('', where, around) : did(only.name, [only.filter, ...where], around)
  }
  const people = peopleOf(question, point, around)
  return people ? { people: asked(people, around) } : {}
}

function peopleOf(
  question: Query['question'],
  point: Point,
  { filters }: Surroundings,
): Question | undefined {
  if (question.case === 'funnel' && point.kind === 'funnel') {
    const { step, lost, group } = point
    const funnel = { ...question.value, filter: every([question.value.filter, ...filters]) }
    return { case: 'people', value: { group: { case: 'funnel', value: { funnel, step, lost, group } } } }
  }
  if (question.case === 'retention' && point.kind === 'retention') {
    const retention = { ...question.value, filter: every([question.value.filter, ...filters]) }
    const value = { retention, start: timestampFromMs(point.start), offset: point.offset }
    return { case: 'people', value: { group: { case: 'retention', value } } }
  }
  if (question.case === 'lifecycle' && point.kind === 'lifecycle') {
    const { activity, period } = question.value
    const filter = every([activity?.filter, ...filters])
    const lifecycle = { activity: { name: activity?.name, filter }, period }
    const value = { lifecycle, start: timestampFromMs(point.start), state: point.state }
    return { case: 'people', value: { group: { case: 'lifecycle', value } } }
  }
  return undefined
}

/** The measure of a line, unless it is none of events. A formula stands for the first of its measures. */
function measured(measures: readonly Measure[], id: string): Measure | undefined {
  const found = measures.find((measure, place) => (measure.id || letter(place)) === id) ?? measures[0]
  return found?.source === Source.METRICS ? undefined : found
}

/** Conditions that hold for the events of a group. */
function grouped(paths: readonly string[], group: readonly string[]): Filter[] {
  return paths.flatMap((path, place) => (group[place] === undefined ? [] : [same(path, group[place])]))
}

function did(name: string, where: readonly (Filter | undefined)[], around: Surroundings): Behind {
  const filter = every([...where, ...around.filters])
  const events = every([name ? same('name', name) : undefined, filter])
  const step = { name, filter }
  return {
    events: asked({ case: 'events', value: { filter: events } }, around),
    people: asked({ case: 'people', value: { group: { case: 'did', value: step } } }, around),
  }
}

function asked(question: Question, { span, zone }: Surroundings): Query {
  return create(QuerySchema, { timeRange: absolute(span), timeZone: zone, question })
}

/** Where somebody clicked, in words. */
export function heading({ title }: Tile, point: Point, zone: string): string {
  switch (point.kind) {
    case 'series': {
      const when = point.span && instant(point.span.start, zone)
      return [title, groupOf(point.group, point.other), when].filter(Boolean).join(' · ')
    }
    case 'row':
      return [title, groupOf(point.group, point.other)].filter(Boolean).join(' · ')
    case 'funnel':
      return [
        title,
        point.lost ? `lost before step ${point.step + 1}` : `step ${point.step + 1}`,
        point.group,
      ]
        .filter(Boolean)
        .join(' · ')
    case 'retention':
      return `${title} · began ${day(point.start, zone)}, period ${point.offset}`
    case 'lifecycle':
      return `${title} · ${LifecycleState[point.state].toLowerCase()} · ${day(point.start, zone)}`
  }
}
