import { describe, expect, test } from 'vitest'
import { Interval_Unit as Unit } from '../../src/gen/tidemark/v1/question_pb'
import {
  CALENDAR,
  LAST,
  absolute,
  calendar,
  fromLocal,
  last,
  local,
  offset,
  same,
  wider,
  words,
} from '../../src/model/range'

const HOUR = 3_600_000

test('every range that is offered is called by its title', () => {
  for (const { title, range } of [...LAST, ...CALENDAR]) expect(words(range, 'UTC')).toBe(title)
})

test('other ranges are spelled', () => {
  expect(words(undefined, 'UTC')).toBe('Last 24 hours')
  expect(words(last(3 * 86_400), 'UTC')).toBe('Last 3 days')
  expect(words(last(90), 'UTC')).toBe('Last 90 seconds')
  expect(words(calendar(Unit.WEEK, 4, 2), 'UTC')).toBe('4 weeks until 2 weeks ago')
  expect(words(absolute({ start: 0, end: HOUR }), 'UTC')).toMatch(/1970/)
})

test('ranges are the same by what they mean', () => {
  expect(same(last(60), last(60))).toBe(true)
  expect(same(calendar(Unit.DAY, 0), calendar(Unit.DAY, 1))).toBe(true)
  expect(same(last(60), last(61))).toBe(false)
  expect(same(undefined, undefined)).toBe(true)
})

describe('zooming out', () => {
  test('doubles a span around its middle', () => {
    expect(wider({ start: 10 * HOUR, end: 14 * HOUR }, 100 * HOUR)).toEqual({
      start: 8 * HOUR,
      end: 16 * HOUR,
    })
  })

  test('does not look beyond now', () => {
    expect(wider({ start: 10 * HOUR, end: 14 * HOUR }, 15 * HOUR)).toEqual({
      start: 7 * HOUR,
      end: 15 * HOUR,
    })
  })
})

describe('texts of date fields', () => {
  test.each(['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Apia'])(
    'are of the zone %s and back',
    zone => {
      for (let ms = Date.UTC(2026, 0, 1); ms < Date.UTC(2027, 0, 1); ms += 37 * HOUR + 11 * 60_000) {
        const minute = ms - (ms % 60_000)
        const again = fromLocal(local(minute, zone), zone)!
        // An hour that a clock shows twice stands for its first time.
        expect(again === minute || again === minute - HOUR).toBe(true)
        expect(local(again, zone)).toBe(local(minute, zone))
      }
    },
  )

  test('a time that a clock shows twice is its first', () => {
    expect(fromLocal('2026-10-25T02:30', 'Europe/Berlin')).toBe(Date.UTC(2026, 9, 25, 0, 30))
  })

  test('a time that a clock leaves out is near it', () => {
    const found = fromLocal('2026-03-29T02:30', 'Europe/Berlin')!
    expect(Math.abs(found - Date.UTC(2026, 2, 29, 1))).toBeLessThanOrEqual(HOUR)
  })

  test('what is no time is none', () => {
    expect(fromLocal('', 'UTC')).toBeUndefined()
  })

  test('zones with half hours are known', () => {
    expect(offset(0, 'Asia/Kolkata')).toBe(5.5 * HOUR)
  })
})
