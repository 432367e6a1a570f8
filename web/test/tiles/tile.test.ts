import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { describe, expect, test } from 'vitest'
import { Display_Kind as Kind, type Tile, TileSchema } from '../../src/gen/tidemark/v1/dashboard_pb'
import {
  EventsResultSchema,
  FunnelResultSchema,
  QueryMetadataSchema,
  SeriesResultSchema,
  SessionsResultSchema,
} from '../../src/gen/tidemark/v1/question_pb'
import type { Answer } from '../../src/model/answer'
import type { TileState } from '../../src/model/tile'
import '../../src/tiles/tile'
import type { Menu } from '../../src/tiles/menu'
import type { TileElement } from '../../src/tiles/tile'
import { all, drawn, find, heard, text } from './drawn'

const HOSTILE = '"><script>window.hacked = true</script><img src=x onerror="window.hacked = true">'
const NOW = Date.UTC(2026, 0, 1)

const number = create(TileSchema, {
  id: 'n',
  title: 'Orders',
  content: { case: 'query', value: { question: { case: 'series', value: { measures: [{}] } } } },
  display: { kind: Kind.NUMBER },
})

function figure(total: number, previousTotal: number): Answer {
  const value = create(SeriesResultSchema, {
    bucketStarts: [timestampFromMs(0), timestampFromMs(1)],
    series: [{ measureId: 'A', values: [1, 2], previousValues: [1, 1], total, previousTotal }],
  })
  const metadata = create(QueryMetadataSchema, { watermark: timestampFromMs(NOW - 120), completeness: 1 })
  return { metadata, result: { case: 'series', value } }
}

function shown(tile: Tile, state: Partial<TileState>) {
  return drawn<TileElement>('tm-tile', { tile, state: { standing: 'live', sent: NOW, ...state } })
}

describe('a tile', () => {
  test('that has no answer yet is loading', async () => {
    const element = await drawn<TileElement>('tm-tile', { tile: number })
    expect(find(element, '.skeleton').getAttribute('aria-label')).toBe('Loading')
  })

  test('that cannot be answered says why', async () => {
    const element = await shown(number, { error: { text: 'There is no such cohort.' } })
    expect(text(find(element, '[role=alert]'))).toBe('No answer There is no such cohort.')
  })

  test('that could be answered before shows that, and what is wrong now', async () => {
    const element = await shown(number, { answer: figure(7, 5), error: { text: 'Too much is asked.' } })
    expect(text(find(element, '[role=alert]'))).toBe('Too much is asked.')
    expect(find(element, 'tm-number').getAttribute('data-value')).toBe('7')
  })

  test('tells how fresh it is, and when its stream was cut', async () => {
    expect(text(find(await shown(number, { answer: figure(7, 5) }), '.words'))).toBe('live · 120 ms')
    expect(text(find(await shown(number, { answer: figure(7, 5), standing: 'resuming' }), '.words'))).toBe(
      'reconnecting…',
    )
  })

  test('whose answer is empty says so', async () => {
    const tile = create(TileSchema, { content: { case: 'query', value: {} } })
    const value = create(EventsResultSchema)
    expect(text(find(await shown(tile, { answer: { result: { case: 'events', value } } }), '.state'))).toBe(
      'Nothing in this time',
    )
  })

  test('offers to change it only to those who may', async () => {
    const items = (element: TileElement) => find<Menu>(element, 'tm-menu').items.map(({ id }) => id)
    expect(items(await shown(number, {}))).toEqual(['full', 'csv', 'png'])
    const element = await drawn<TileElement>('tm-tile', { tile: number, editable: true })
    expect(items(element)).toEqual(['edit', 'duplicate', 'move', 'full', 'csv', 'png', 'remove'])
  })

  test('tells what was picked of its menu', async () => {
    const element = await drawn<TileElement>('tm-tile', { tile: number, editable: true })
    const told = heard(element, 'tm-tile')
    find(element, 'tm-menu').dispatchEvent(new CustomEvent('tm-pick', { detail: 'duplicate' }))
    expect(await told).toBe('duplicate')
  })

  test('fills the page and gives it back at Escape', async () => {
    const element = await shown(number, {})
    find(element, 'tm-menu').dispatchEvent(new CustomEvent('tm-pick', { detail: 'full' }))
    expect(element.full).toBe(true)
    document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }))
    expect(element.full).toBe(false)
  })

  test('with a hostile title draws it as a text', async () => {
    const element = await shown(create(TileSchema, { ...number, title: HOSTILE }), { answer: figure(1, 1) })
    expect(text(find(element, 'h2'))).toBe(HOSTILE)
    expect(all(element, 'script, img')).toEqual([])
    expect((globalThis as { hacked?: boolean }).hacked).toBeUndefined()
  })
})

describe('a number', () => {
  const change = async (tile: Tile) => {
    const element = find((await shown(tile, { answer: figure(150, 100) })) as Element, 'tm-number')
    return find(element, '.change')
  }

  test('that has grown is good news', async () => {
    const found = await change(number)
    expect(text(found)).toBe('▲ +50% was 100')
    expect(found.classList.contains('good')).toBe(true)
  })

  test('that has grown where less is better is not', async () => {
    const found = await change(
      create(TileSchema, { ...number, display: { ...number.display!, lessIsBetter: true } }),
    )
    expect(found.classList.contains('bad')).toBe(true)
  })
})

test('a funnel tells who went on, who was lost, and asks who they were', async () => {
  const tile = create(TileSchema, { content: { case: 'query', value: {} } })
  const value = create(FunnelResultSchema, {
    groups: [
      {
        all: true,
        steps: [
          { displayName: HOSTILE, people: 10n, ofFirst: 1, ofPrevious: NaN },
          { displayName: 'order', people: 4n, ofFirst: 0.4, ofPrevious: 0.4, medianTime: { seconds: 90n } },
        ],
      },
    ],
  })
  const element = await drawn<TileElement>('tm-tile', {
    tile,
    drill: true,
    state: { standing: 'live', answer: { result: { case: 'funnel', value } } },
  })
  const funnel = find(element, 'tm-funnel')
  expect(text(find(funnel, '.sum'))).toContain('40% of 10 people convert')
  expect(text(find(funnel, '.between'))).toBe('↓ 40% go on 6 lost (60%) after 1 min 30 s')
  expect(all(funnel, 'script, img')).toEqual([])
  const told = heard(element, 'tm-point')
  find(funnel, '.between button').click()
  expect(await told).toEqual({ kind: 'funnel', step: 1, lost: true })
})

test('events open to all that is known of them', async () => {
  const properties = new TextEncoder().encode(JSON.stringify({ name: HOSTILE }))
  const stored = {
    event: {
      eventId: Uint8Array.of(1),
      name: HOSTILE,
      propertiesJson: properties,
      occurredAt: timestampFromMs(0),
    },
  }
  const value = create(EventsResultSchema, { events: [stored] })
  const element = await shown(create(TileSchema, { content: { case: 'query', value: {} } }), {
    answer: { result: { case: 'events', value } },
  })
  const events = find<TileElement>(element, 'tm-events')
  expect(all(events, 'pre')).toEqual([])
  const details = find<HTMLDetailsElement>(events, 'details')
  details.open = true
  details.dispatchEvent(new Event('toggle'))
  await events.updateComplete
  expect(text(find(events, 'pre'))).toContain('"event_id"')
  expect(all(events, 'script, img')).toEqual([])
})

test('sessions tell their figures', async () => {
  const value = create(SessionsResultSchema, {
    total: { sessions: 12n, people: 5n, mean: { seconds: 61n }, bounceShare: 0.25, meanEvents: 3 },
    entries: [{ value: HOSTILE, count: 12n }],
  })
  const element = await shown(create(TileSchema, { content: { case: 'query', value: {} } }), {
    answer: { result: { case: 'sessions', value } },
  })
  const sessions = find(element, 'tm-sessions')
  expect(text(find(sessions, 'dl'))).toContain('Sessions 12 People 5 Mean length 1 min 1 s')
  expect(all(sessions, 'script, img')).toEqual([])
})

test('a text tile has links that may be followed and nothing else', async () => {
  const written = `# ${HOSTILE}\n[good](https://example.org) [evil](javascript:alert(1))`
  const element = await shown(create(TileSchema, { content: { case: 'text', value: written } }), {})
  const words = find(element, 'tm-text')
  const links = all<HTMLAnchorElement>(words, 'a')
  expect(links.map(link => link.href)).toEqual(['https://example.org/'])
  expect(links[0]!.rel).toContain('noopener')
  expect(all(words, 'script, img')).toEqual([])
})
