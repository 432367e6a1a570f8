import { create } from '@bufbuild/protobuf'
import { ValueSchema, timestampFromMs } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { EditionSchema, RunSchema, Run_State as State } from '../../src/gen/tidemark/v1/edition_pb'
import {
  ReportFaultSchema,
  ReportFormat as Format,
  ReportTemplateSchema,
  SectionProofSchema,
  TemplateParameterSchema,
  TemplateParameter_Kind as Kind,
  TemplateUseSchema,
} from '../../src/gen/tidemark/v1/report_pb'
import { ScheduleSchema } from '../../src/gen/tidemark/v1/schedule_pb'
import { destination, reached } from '../../src/reports/model/delivery'
import { cuts, formatsOf, newest, repeated, reportOf, retriable, rows } from '../../src/reports/model/edition'
import {
  added,
  blank,
  changed,
  doubled,
  figureIds,
  kindOf,
  moved,
  same,
  titleOf,
  within,
  without,
} from '../../src/reports/model/report'
import { nextOf, presetOf, standing, turned } from '../../src/reports/model/schedule'
import { given, lineOf, listed, shown, wanting, written } from '../../src/reports/model/template'

const ids = (report: ReturnType<typeof blank>) => report.sections.map(({ id }) => id)
const three = () => added(added(blank(), 'text'), 'question')

test('sections are added, moved, doubled and taken out, and ids stay unique', () => {
  const report = three()
  expect(ids(report)).toEqual(['figures-1', 'text-1', 'question-1'])
  expect(ids(moved(report, 2, 0))).toEqual(['question-1', 'figures-1', 'text-1'])
  expect(ids(moved(report, 0, 9))).toEqual(['text-1', 'question-1', 'figures-1'])
  expect(ids(without(report, 1))).toEqual(['figures-1', 'question-1'])
  expect(ids(doubled(report, 1))).toEqual(['figures-1', 'text-1', 'text-2', 'question-1'])
  expect(ids(report)).toHaveLength(3)
})

test('figures have ids that no other figure of the report has', () => {
  const report = added(doubled(blank(), 0), 'figures')
  const found = figureIds(report.sections)
  expect(new Set(found).size).toBe(3)
})

test('reports are the same whatever the server has added', () => {
  const report = three()
  expect(same(report, changed(report, { version: 7, etag: 'x' }))).toBe(true)
  expect(same(report, changed(report, { displayName: 'Weekly' }))).toBe(false)
})

test('a section without a heading is called by what it shows', () => {
  const { sections } = three()
  expect(sections.map(kindOf)).toEqual(['Key figures', 'Text', 'Question'])
  expect(titleOf(sections[0]!)).toBe('all events')
  const text = { ...sections[1]!, content: { case: 'text' as const, value: { text: '# Hello\nworld' } } }
  expect(titleOf(text as (typeof sections)[number])).toBe('Hello')
})

test('faults are found at a field and within it, and not at one that begins alike', () => {
  const faults = ['report.sections[1].title', 'report.sections[10].title', 'report.sections[1]'].map(field =>
    create(ReportFaultSchema, { field }),
  )
  expect(within(faults, 'report.sections[1]').map(({ field }) => field)).toEqual([
    'report.sections[1].title',
    'report.sections[1]',
  ])
})

test('what is written for a parameter becomes the value of its kind', () => {
  const of = (kind: Kind) => create(TemplateParameterSchema, { id: 'a', kind })
  expect(written(of(Kind.NUMBER), ' 1.5 ')).toBe(1.5)
  expect(written(of(Kind.NUMBER), 'many')).toBeUndefined()
  expect(written(of(Kind.EVENTS), 'a, b,, c')).toEqual(['a', 'b', 'c'])
  expect(written(of(Kind.BOOLEAN), 'true')).toBe(true)
  expect(written(of(Kind.EVENT), '')).toBeUndefined()
  expect(shown(['a', 'b'])).toBe('a, b')
  expect(shown(listed('x,y'))).toBe('x, y')
})

test('a parameter without a default has to be given', () => {
  const usual = create(ValueSchema, { kind: { case: 'stringValue', value: 'orders' } })
  const template = create(ReportTemplateSchema, {
    parameters: [{ id: 'event' }, { id: 'other', defaultValue: usual }],
  })
  const use = create(TemplateUseSchema, { name: 'projects/-/reportTemplates/a' })
  expect(wanting(template, use).map(({ id }) => id)).toEqual(['event'])
  const chosen = given(use, 'event', 'signup')
  expect(wanting(template, chosen)).toEqual([])
  expect(given(chosen, 'event', undefined).values).toEqual({})
})

test('the line that a message names is found', () => {
  expect(lineOf('report_template.source: line 12: unexpected end')).toBe(12)
  expect(lineOf('it is too long')).toBeUndefined()
})

test('an edition says what files leave out, and whether it repeats another', () => {
  const sections = [
    create(SectionProofSchema, { sectionId: 'a', tables: [{ tableId: 'a', rowCount: 900n }] }),
    create(SectionProofSchema, { sectionId: 'text' }),
  ]
  const edition = create(EditionSchema, {
    name: 'projects/p/reports/weekly/editions/2',
    manifest: {
      sections,
      rerunOf: 'projects/p/reports/weekly/editions/1',
      files: [{ format: Format.PDF, cutTables: { a: 500n } }],
    },
  })
  expect(cuts(edition.manifest!.files, sections)).toEqual([
    { format: Format.PDF, table: 'a', held: 500n, whole: 900n },
  ])
  expect(rows(sections).map(({ section, table }) => [section.sectionId, table?.tableId])).toEqual([
    ['a', 'a'],
    ['text', undefined],
  ])
  expect(repeated(edition)?.tone).toBe('good')
  edition.manifest!.differences = ['removed']
  expect(repeated(edition)?.tone).toBe('warn')
  expect(reportOf(edition.name)).toBe('projects/p/reports/weekly')
  expect(formatsOf([Format.CSV, Format.PDF])).toBe('PDF, CSV')
})

test('of each report the newest run counts, and failed ones can be tried again', () => {
  const run = (report: string, at: number, state: State) =>
    create(RunSchema, {
      name: `projects/p/reports/${report}/runs/${at}`,
      createTime: timestampFromMs(at),
      state,
    })
  const found = newest([run('a', 1, State.FAILED), run('a', 3, State.DONE), run('b', 2, State.FAILED)])
  expect(found.get('projects/p/reports/a')?.state).toBe(State.DONE)
  expect([...found.values()].map(retriable)).toEqual([false, true])
})

test('a schedule says when it runs next, and the first of a report counts', () => {
  const schedule = (id: string, at: number) =>
    create(ScheduleSchema, {
      name: `projects/p/reports/a/schedules/${id}`,
      cron: '0 7 * * MON',
      nextTime: timestampFromMs(at),
    })
  const [late, soon] = [schedule('late', 2e12), schedule('soon', 1e12)]
  expect(nextOf([late, soon]).get('projects/p/reports/a')).toBe(soon)
  expect(presetOf(late.cron)).toBe('Mondays at 07:00')
  expect(presetOf('5 4 * * *')).toBe('5 4 * * *')
  expect(standing(turned(late), 'UTC').title).toBe('paused')
  expect(standing(late, 'UTC').tone).toBe('good')
})

test('a destination is made of what was written for its kind', () => {
  const text = (values: Record<string, string>) => (name: string) => values[name] ?? ''
  const mail = destination('email', 'Team', text({ to: 'a@example.com, b@example.com' }))
  expect(mail.target).toMatchObject({ case: 'email', value: { to: ['a@example.com', 'b@example.com'] } })
  expect(reached(mail)).toBe('a@example.com, b@example.com')
  expect(reached(destination('folder', 'Disk', text({})))).toBe('the operator’s folder')
  const bucket = destination(
    's3',
    'Bucket',
    text({ endpoint: 'https://s3.example.com', bucket: 'b', prefix: 'r/' }),
  )
  expect(reached(bucket)).toBe('https://s3.example.com/b/r/')
})
