import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { ReportFaultSchema } from '../../../src/gen/tidemark/v1/report_pb'
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
} from '../../../src/reports/model/report'

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
