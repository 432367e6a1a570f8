import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { EditionSchema, RunSchema, Run_State as State } from '../../../src/gen/tidemark/v1/edition_pb'
import { ReportFormat as Format, SectionProofSchema } from '../../../src/gen/tidemark/v1/report_pb'
import { absolute } from '../../../src/model/range'
import {
  cuts,
  formatsOf,
  newest,
  repeated,
  reportOf,
  retriable,
  rows,
  told,
} from '../../../src/reports/model/edition'

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

test('a span of whole days is told in days, up to the last that belongs to it', () => {
  const [start, end] = [Date.UTC(2026, 10, 16), Date.UTC(2026, 10, 23)]
  expect(told(absolute({ start, end }), 'UTC')).toMatch(/16.*22/)
  expect(told(absolute({ start, end: end + 60_000 }), 'UTC')).toMatch(/23/)
})
