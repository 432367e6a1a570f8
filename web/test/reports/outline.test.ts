import { create } from '@bufbuild/protobuf'
import { beforeEach, expect, test, vi } from 'vitest'
import { type Report, ReportFaultSchema } from '../../src/gen/tidemark/v1/report_pb'
import { added, blank, changed } from '../../src/reports/model/report'
import '../../src/reports/outline'
import type { Outline } from '../../src/reports/outline'
import { all, drawn, find, text } from '../tiles/drawn'

const HOSTILE = '<img src=x onerror="window.hacked = true">'
const session = {
  project: 'projects/demo',
  title: 'Demo',
  zone: 'UTC',
  role: 'analyst' as const,
  author: true,
  operator: false,
  projects: ['projects/demo'],
  ends: new Date(),
}

function three(): Report {
  const report = added(added(blank(), 'insights'), 'health')
  return changed(report, {
    sections: report.sections.map((each, at) => ({ ...each, title: at ? `S${at}` : HOSTILE })),
  })
}

// No server is there: what is asked of it stays open.
beforeEach(() => void vi.stubGlobal('fetch', () => new Promise(() => undefined)))

test('sections are moved by the arrow keys, and titles are texts', async () => {
  const element = await drawn<Outline>('tm-report-outline', { session, report: three() })
  let told: Report | undefined
  element.addEventListener('change', event => (told = (event as CustomEvent<Report>).detail))
  expect(all(element, 'img')).toHaveLength(0)
  expect(text(find(element, '.title'))).toBe(HOSTILE)
  const [first] = all(element, '.grip')
  first!.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown' }))
  expect(told?.sections.map(({ title }) => title)).toEqual(['S1', HOSTILE, 'S2'])
})

test('faults are counted at the section that they are of', async () => {
  const faults = ['report.sections[1].title', 'report.sections[1].id', 'report.locale'].map(field =>
    create(ReportFaultSchema, { field, message: 'is wrong' }),
  )
  const element = await drawn<Outline>('tm-report-outline', { session, report: three(), faults })
  expect(all(element, '.chip.bad').map(text)).toEqual(['2 faults'])
  all(element, '.title')[1]!.click()
  await element.updateComplete
  const opened = find<HTMLElement & { updateComplete: Promise<unknown> }>(element, 'tm-report-section')
  await opened.updateComplete
  expect(all(opened, '.wrong').map(text)).toEqual(['Is wrong', 'Is wrong'])
})
