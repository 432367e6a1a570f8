/** How answers can be drawn, and what a question is called when nobody has given it a name. */
import { Display_Kind as Kind } from '../gen/tidemark/v1/dashboard_pb'
import type { Query } from '../gen/tidemark/v1/question_pb'
import { leaf, titles } from './measures'

const OVER_TIME = [
  { kind: Kind.UNSPECIFIED, title: 'Lines' },
  { kind: Kind.AREA, title: 'Areas' },
  { kind: Kind.BAR, title: 'Bars' },
  { kind: Kind.NUMBER, title: 'Number' },
  { kind: Kind.TABLE, title: 'Table' },
]
const OF_ROWS = [
  { kind: Kind.UNSPECIFIED, title: 'Table' },
  { kind: Kind.BAR, title: 'Bars' },
  { kind: Kind.NUMBER, title: 'Number' },
]

/** The drawings that fit a question, the usual one first; none where there is only one. */
export function displays({ question }: Query): { kind: Kind; title: string }[] {
  if (question.case === 'series' || question.case === 'window') return OVER_TIME
  if (question.case === 'table') return OF_ROWS
  return []
}

/** A title for a question: `order_placed by country`. */
export function title(query: Query): string {
  const { question } = query
  switch (question.case) {
    case 'series':
    case 'table': {
      const { groupBy } = question.value
      const measured = titles(query).map(each => each.title)
      const split = groupBy.length ? ` by ${groupBy.map(leaf).join(', ')}` : ''
      return measured.join(', ') + split
    }
    case 'funnel':
      return question.value.steps.map(each => each.displayName || each.name || 'any event').join(' → ')
    case 'retention':
      return `Retention of ${question.value.start?.name || 'everybody'}`
    case 'lifecycle':
      return `Lifecycle of ${question.value.activity?.name || 'everybody'}`
    case 'sessions':
      return 'Sessions'
    case 'paths':
      return `Paths ${question.value.backwards ? 'to' : 'from'} ${question.value.start?.name || 'any event'}`
    case 'events':
      return 'Events'
    case 'people':
      return 'People'
    case 'window':
      return leaf(question.value.window.replaceAll('/', '.'))
    case undefined:
      return ''
  }
}
