import { describe, expect, test } from 'vitest'
import '../../src/dashboard/time-range'
import type { TimeRangeElement } from '../../src/dashboard/time-range'
import type { TimeRange } from '../../src/gen/tidemark/v1/question_pb'
import { last, same } from '../../src/model/range'
import { all, drawn, find, heard, text } from '../tiles/drawn'

const HOUR = 3600

function shown(properties: Partial<TimeRangeElement>) {
  return drawn<TimeRangeElement>('tm-time-range', { range: last(HOUR), zone: 'Europe/Berlin', ...properties })
}

function button(element: Element, name: string): HTMLElement {
  const found = all(element, 'button').find(
    each => text(each) === name || each.getAttribute('aria-label') === name,
  )
  if (!found) throw new Error(`there is no button ${name}`)
  return found
}

test('says what is chosen', async () => {
  expect(text(find(await shown({}), '[slot=trigger]'))).toBe('Last hour')
})

test('gives the range that is chosen', async () => {
  const element = await shown({})
  const told = heard<TimeRange>(element, 'change')
  button(element, 'Last 7 days').click()
  expect(same(await told, last(7 * 24 * HOUR))).toBe(true)
})

test('zooms out to twice as long', async () => {
  const element = await shown({})
  const told = heard<TimeRange>(element, 'change')
  button(element, 'Zoom out').click()
  expect(same(await told, last(2 * HOUR))).toBe(true)
})

test('steps back to what was chosen before', async () => {
  const element = await shown({})
  element.range = last(2 * HOUR)
  await element.updateComplete
  const told = heard<TimeRange>(element, 'change')
  button(element, 'Back to the time before').click()
  expect(same(await told, last(HOUR))).toBe(true)
  element.range = last(HOUR)
  await element.updateComplete
  expect(all(element, '[aria-label^=Back]')).toEqual([])
})

describe('from one time to another', () => {
  async function settle(from: string, to: string) {
    const element = await shown({})
    find<HTMLInputElement>(element, '#from').value = from
    find<HTMLInputElement>(element, '#to').value = to
    const told = heard<TimeRange>(element, 'change')
    find(element, 'form').dispatchEvent(new SubmitEvent('submit', { cancelable: true }))
    await element.updateComplete
    return { element, told }
  }

  test('the times are of the zone', async () => {
    const { told } = await settle('2026-01-01T01:00', '2026-01-01T02:00')
    const { start, end } = await told
    expect([Number(start?.seconds), Number(end?.seconds)]).toEqual([
      Date.UTC(2026, 0, 1) / 1000,
      Date.UTC(2026, 0, 1, 1) / 1000,
    ])
  })

  test('without an end it goes on until now', async () => {
    const { told } = await settle('2026-01-01T01:00', '')
    expect((await told).end).toBeUndefined()
  })

  test('an end before the beginning is refused', async () => {
    const { element } = await settle('2026-01-01T02:00', '2026-01-01T01:00')
    expect(text(find(element, '[role=alert]'))).toBe(
      'The end is not after the beginning: choose a later one.',
    )
  })
})
