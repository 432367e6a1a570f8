import { create } from '@bufbuild/protobuf'
import { beforeEach, expect, test, vi } from 'vitest'
import {
  Cause,
  ContributionSchema,
  Feedback,
  InsightSchema,
  InsightType,
  Insight_State as State,
  Severity,
} from '../../src/gen/tidemark/v1/insight_pb'
import '../../src/insights/contributions'
import type { Contributions } from '../../src/insights/contributions'
import '../../src/insights/insight'
import type { InsightElement } from '../../src/insights/insight'
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

const insight = create(InsightSchema, {
  name: 'projects/demo/insights/a',
  type: InsightType.ANOMALY,
  severity: Severity.CRITICAL,
  state: State.OPEN,
  cause: Cause.DATA_INCIDENT,
  title: `Orders of ${HOSTILE} fell`,
  description: 'By 62 %.',
  confidence: 0.94,
  priority: 80,
  evidence: { method: 'robust z' },
  facts: [{ text: '312 dead letters', share: 0.7, link: '/data/letters' }],
  recommendations: [{ action: 'Repair them.', source: 'dead letters', link: '//elsewhere.example' }],
})

// No server is there: what is asked of it stays open.
beforeEach(() => void vi.stubGlobal('fetch', () => new Promise(() => undefined)))

test('a finding says what, how bad, why and how sure', async () => {
  const element = await drawn<InsightElement>('tm-insight', { session, insight })
  const said = text(element.shadowRoot!.firstElementChild)
  for (const words of ['critical', 'anomaly', 'data incident', 'very likely (94%)', 'By 62 %.'])
    expect(said).toContain(words)
  expect(all(element, 'img')).toHaveLength(0)
  expect(said).toContain(HOSTILE)
})

test('opened, it tells facts and what to do; links lead nowhere but to this page', async () => {
  const element = await drawn<InsightElement>('tm-insight', { session, insight })
  expect(all(element, 'ol, ul')).toHaveLength(0)
  find(element, 'button[aria-expanded=false]').click()
  await element.updateComplete
  expect(find<HTMLAnchorElement>(element, 'ul a').getAttribute('href')).toBe('/data/letters')
  expect(find<HTMLAnchorElement>(element, 'ol a').getAttribute('href')).toBe('/')
})

test('who may write is asked what it was worth, and others see what was said', async () => {
  const judged = create(InsightSchema, { ...insight, feedback: Feedback.FALSE_ALARM, feedbackBy: 'ops' })
  const author = await drawn<InsightElement>('tm-insight', { session, insight: judged })
  const pressed = all(author, '.feedback button[aria-pressed=true]')
  expect(pressed.map(text)).toEqual(['False alarm'])
  const viewer = await drawn<InsightElement>('tm-insight', {
    session: { ...session, role: 'viewer', author: false },
    insight: judged,
  })
  expect(all(viewer, '.feedback')).toHaveLength(0)
  expect(text(viewer.shadowRoot!.firstElementChild)).toContain('False alarm , says ops')
})

test('what adds most to a change has the longest bar, and what goes against it stands apart', async () => {
  const share = (share: number, value: string) =>
    create(ContributionSchema, { fields: ['properties.country'], values: [value], share, lift: NaN })
  const element = await drawn<Contributions>('tm-contributions', {
    contributions: [share(0.8, 'JP'), share(-0.2, '')],
  })
  const bars = all(element, '.bar div')
  expect(bars.map(bar => bar.style.getPropertyValue('--share'))).toEqual(['100%', '25%'])
  expect(bars.map(bar => bar.className)).toEqual(['', 'against'])
  expect(text(find(element, 'tbody'))).toContain('country = (none)')
})
