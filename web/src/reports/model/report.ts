/** Reports as people change them: a report and a change come in, another report goes out. */
import { type MessageInitShape, clone, create, equals } from '@bufbuild/protobuf'
import type { Option } from '../../common/words'
import { QuerySchema } from '../../gen/tidemark/v1/question_pb'
import {
  type KeyFigure,
  KeyFigureSchema,
  QuestionSection_View as View,
  type Report,
  type ReportFault,
  ReportSchema,
  type Section,
  SectionSchema,
} from '../../gen/tidemark/v1/report_pb'
import { title } from '../../model/display'
import { parsed } from '../../model/markdown'
import { count, first } from '../../model/question'

export const MOST_SECTIONS = 50
export const MOST_FIGURES = 24

export type Content = NonNullable<Section['content']['case']>

export const CONTENTS: (Option<Content> & { hint: string })[] = [
  { value: 'text', title: 'Text', hint: 'Words, which may hold the figures of the report' },
  { value: 'figures', title: 'Key figures', hint: 'Numbers, each with the period before' },
  { value: 'question', title: 'Question', hint: 'Any question, as a chart, a table or both' },
  { value: 'insights', title: 'Findings', hint: 'What was found, the most important first' },
  { value: 'forecast', title: 'Forecast', hint: 'How a series goes on, with its error' },
  { value: 'health', title: 'Data health', hint: 'Whether the data can be trusted' },
]

export const VIEWS: Option<View>[] = [
  { value: View.UNSPECIFIED, title: 'the usual' },
  { value: View.TABLE, title: 'the table' },
  { value: View.CHART, title: 'the drawing' },
  { value: View.BOTH, title: 'drawing and table' },
]

/** Locales that are offered; any other may be written. */
export const LOCALES = ['en', 'en-GB', 'de', 'fr', 'es', 'it', 'nl', 'pl', 'pt-BR', 'tr', 'ja', 'zh-Hans']

/** A question without a time of its own, so that it takes the report's. */
function asked() {
  return create(QuerySchema, { ...first(), timeRange: undefined })
}

const CONTENT: Record<
  Content,
  (taken: readonly string[]) => MessageInitShape<typeof SectionSchema>['content']
> = {
  text: () => ({ case: 'text', value: { text: '' } }),
  figures: taken => ({ case: 'figures', value: { figures: [figure(taken)] } }),
  question: () => ({ case: 'question', value: { query: asked() } }),
  insights: () => ({ case: 'insights', value: {} }),
  forecast: () => ({ case: 'forecast', value: { query: asked() } }),
  health: () => ({ case: 'health', value: {} }),
}

/** A first section of a kind, with ids that nothing else has. */
export function begun(kind: Content, others: readonly Section[]): Section {
  const id = freshId(`${kind}-`, ids(others))
  return create(SectionSchema, { id, content: CONTENT[kind](figureIds(others)) })
}

/** What a blank report begins with. */
export function blank(): Report {
  return create(ReportSchema, { sections: [begun('figures', [])] })
}

/** A figure that counts all events, with an id that no other has. */
export function figure(taken: readonly string[]): KeyFigure {
  const question = { case: 'series' as const, value: { measures: [count()] } }
  return create(KeyFigureSchema, { id: freshId('figure_', taken), query: { question } })
}

/** The ids of all figures: texts name them, so each is there once in a report. */
export function figureIds(sections: readonly Section[]): string[] {
  return sections.flatMap(({ content }) => (content.case === 'figures' ? ids(content.value.figures) : []))
}

/** The report with other values of some fields. */
export function changed(report: Report, fields: Partial<Omit<Report, '$typeName' | '$unknown'>>): Report {
  return create(ReportSchema, { ...report, ...fields })
}

/** The report with another version of the section at a place. */
export function put(report: Report, at: number, section: Section): Report {
  return changed(report, { sections: report.sections.with(at, section) })
}

/** The report with one section more, at the end. */
export function added(report: Report, kind: Content): Report {
  return changed(report, { sections: [...report.sections, begun(kind, report.sections)] })
}

/** The report without a section. */
export function without(report: Report, at: number): Report {
  return changed(report, { sections: report.sections.toSpliced(at, 1) })
}

/** The report with a section twice, one after the other. */
export function doubled(report: Report, at: number): Report {
  const { sections } = report
  const copy = clone(SectionSchema, sections[at]!)
  copy.id = freshId(`${copy.content.case ?? 'section'}-`, ids(sections))
  const taken = figureIds(sections)
  if (copy.content.case === 'figures')
    for (const each of copy.content.value.figures) taken.push((each.id = freshId(`${each.id}_`, taken)))
  return changed(report, { sections: sections.toSpliced(at + 1, 0, copy) })
}

/** The report with a section at another place; beyond the ends is at the end. */
export function moved(report: Report, from: number, to: number): Report {
  const rest = report.sections.toSpliced(from, 1)
  const place = Math.max(0, Math.min(rest.length, to))
  return changed(report, { sections: rest.toSpliced(place, 0, report.sections[from]!) })
}

/** Whether two reports say the same, whatever the server has added. */
export function same(one: Report, other: Report): boolean {
  const bare = (each: Report) =>
    changed(each, { etag: '', version: 0, createTime: undefined, updateTime: undefined })
  return equals(ReportSchema, bare(one), bare(other))
}

/** What a section is called: its heading, or what it shows where it has none. */
export function titleOf({ title: heading, content }: Section): string {
  if (heading) return heading
  switch (content.case) {
    case 'text': {
      const [block] = parsed(content.value.text)
      const inline = block?.kind === 'list' ? block.items[0] : block?.content
      const [run] = inline ?? []
      return run?.kind === 'text' ? run.text.split('\n')[0]!.slice(0, 80) : ''
    }
    case 'question':
    case 'forecast':
      return content.value.query ? title(content.value.query) : ''
    case 'figures':
      return content.value.figures.map(nameOf).join(', ')
    default:
      return ''
  }
}

/** What a figure is called. */
export function nameOf({ title: heading, query, id }: KeyFigure): string {
  return heading || (query && title(query)) || id
}

/** The kind of a section in words. */
export function kindOf({ content }: Section): string {
  return CONTENTS.find(({ value }) => value === content.case)?.title ?? 'Section'
}

/** What is wrong with a field, or with something within it. */
export function within(faults: readonly ReportFault[], path: string): ReportFault[] {
  return faults.filter(
    ({ field }) => field === path || (field.startsWith(path) && '.['.includes(field[path.length]!)),
  )
}

/** Where the fields of a section are named among the faults. */
export function pathOf(at: number): string {
  return `report.sections[${at}]`
}

function ids(all: readonly { id: string }[]): string[] {
  return all.map(({ id }) => id)
}

/** What it begins with and the first number that makes it new. */
function freshId(begin: string, taken: readonly string[]): string {
  let number = 1
  while (taken.includes(`${begin}${number}`)) number++
  return `${begin}${number}`
}
