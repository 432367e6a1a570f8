/** How the measures of a question are called: a question and a line of its answer come in, words go out. */
import {
  Aggregation,
  type Formula,
  type Measure,
  type Query,
  type Series,
  Source,
} from '../gen/tidemark/v1/question_pb'
import { letter } from './question'

export type Title = { id: string; title: string; unit: string }

const WORDS: Partial<Record<Aggregation, string>> = {
  [Aggregation.SUM]: 'sum',
  [Aggregation.AVG]: 'average',
  [Aggregation.MIN]: 'least',
  [Aggregation.MAX]: 'greatest',
}

/** What the answer to a series or a table shows, in order: measures that are not hidden, then formulas. */
export function titles(query: Query | undefined): Title[] {
  const question = query?.question
  if (question?.case !== 'series' && question?.case !== 'table') return []
  const { measures, formulas } = question.value
  const ids = measures.map((measure, place) => measure.id || letter(place))
  // What all of them are about need not be said by each.
  const [first, ...others] = measures
  const alike =
    others.length > 0 && others.every(each => each.name === first!.name && each.source === first!.source)
  const shown = measures.flatMap((measure, place) =>
    measure.hidden ? [] : [{ id: ids[place]!, title: titleOf(measure, alike), unit: '' }],
  )
  return [...shown, ...formulas.map(formulaTitle)]
}

/** A measure in words; `alone` leaves out what it is of. */
export function titleOf({ source, name, aggregation, field, quantile }: Measure, alone = false): string {
  const events = source !== Source.METRICS
  const counted = alone ? (events ? 'events' : 'points') : name || 'all events'
  const about = [events && field ? leaf(field) : '', alone ? '' : counted].filter(Boolean).join(' of ')
  switch (aggregation) {
    case Aggregation.COUNT:
    case Aggregation.UNSPECIFIED:
      return counted
    case Aggregation.RATE:
      return `${counted} per second`
    case Aggregation.UNIQUES:
      return field && field !== 'user_id' ? `different ${about}` : alone ? 'people' : `people of ${counted}`
    case Aggregation.QUANTILE:
      return `p${Math.round(quantile * 1000) / 10} ${about}`.trim()
    default:
      return `${WORDS[aggregation]} ${about}`.trim()
  }
}

function formulaTitle({ id, expression, unit }: Formula, place: number): Title {
  return { id: id || `F${place + 1}`, title: expression, unit }
}

/** The last part of a path, as a heading. */
export function leaf(path: string): string {
  return path.replace(/^(properties|context|tags)\./, '')
}

/** The values of a group in words. */
export function groupOf(group: readonly string[], other: boolean): string {
  if (other) return 'other'
  return group.map(value => value || '(none)').join(' · ')
}

/** A line of a chart in words: its group, and its measure where there are several. */
export function label(line: Pick<Series, 'measureId' | 'group' | 'other'>, known: readonly Title[]): string {
  const title = known.find(({ id }) => id === line.measureId)?.title ?? line.measureId
  const group = line.group.length || line.other ? groupOf(line.group, line.other) : ''
  if (!group) return title
  return known.length > 1 ? `${group} · ${title}` : group
}
