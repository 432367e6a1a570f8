import { describe, expect, test } from 'vitest'
import {
  NOTHING,
  between,
  bucket,
  bytes,
  change,
  duration,
  instant,
  number,
  percent,
  quantity,
  roughly,
  signed,
  tick,
} from '../../src/model/format'

const locale = 'en-GB'
const noon = Date.UTC(2026, 2, 29, 12)

test.each([
  [0, '0'],
  [12345, '12,345'],
  [0.5, '0.5'],
  [12.3456, '12.35'],
  [123.456, '123.5'],
  [0.00012345, '0.000123'],
  [NaN, NOTHING],
])('the number %d is written %s', (value, text) => {
  expect(number(value, { locale })).toBe(text)
})

test('a large number is exact to the last digit', () => {
  expect(number(9_007_199_254_740_993n, { locale })).toBe('9,007,199,254,740,993')
})

test('numbers on an axis are short', () => {
  expect(number(12_345, { locale, compact: true })).toBe('12.3k')
  expect(number(9_999, { locale, compact: true })).toBe('9,999')
  expect(number(-2_500_000, { locale, compact: true })).toMatch(/^-2.5m/i)
})

test('decimal places are those asked for', () => {
  expect(number(3, { locale, decimals: 2 })).toBe('3.00')
  expect(number(3.14159, { locale, decimals: 0 })).toBe('3')
})

test.each([
  [1_500, 'By', '1.5 kB'],
  [999, 'bytes', '999 B'],
  [2_000_000, 'B/s', '2 MB/s'],
  [12.5, '%', '12.5 %'],
  [99, '€', '€99'],
  [250, 'ms', '250 ms'],
  [90, 's', '1 min 30 s'],
  [3, 'files', '3 files'],
  [0.42, '1', '0.42'],
])('%d in %s is written %s', (value, unit, text) => {
  expect(quantity(value, { unit, locale })).toBe(text)
})

test('nothing measured is no number', () => {
  expect(quantity(null)).toBe(NOTHING)
  expect(quantity(undefined)).toBe(NOTHING)
  expect(quantity(Infinity)).toBe(NOTHING)
})

test('sizes go up to the largest prefix', () => {
  expect(bytes(0, { locale })).toBe('0 B')
  expect(bytes(123_456_789, { locale })).toBe('123 MB')
  expect(bytes(5e18, { locale })).toBe('5,000 PB')
})

test('nearly all is not all', () => {
  expect(percent(1, undefined, locale)).toBe('100%')
  expect(percent(0.9999, undefined, locale)).toBe('99.99%')
  expect(percent(0.125, undefined, locale)).toBe('12.5%')
  expect(percent(NaN)).toBe(NOTHING)
})

test.each([
  [0, '0 s'],
  [0.0000005, '1 µs'],
  [0.12, '120 ms'],
  [0.0025, '2.5 ms'],
  [2.25, '2.3 s'],
  [59, '59 s'],
  [61, '1 min 1 s'],
  [3 * 3600 + 120, '3 h 2 min'],
  [26 * 3600, '1 d 2 h'],
  [40 * 86_400, '40 d'],
  [-90, '-1 min 30 s'],
])('%d seconds are written %s', (seconds, text) => {
  expect(duration(seconds, locale)).toBe(text)
})

test('a rough length of time has one unit', () => {
  expect(roughly(79, locale)).toBe('1 min')
  expect(roughly(26 * 3600, locale)).toBe('1 d')
  expect(roughly(2.2, locale)).toBe('2.2 s')
})

test('a change is told where there was something to change', () => {
  expect(change(150, 100)).toBe(0.5)
  expect(change(50, -100)).toBe(1.5)
  expect(change(1, 0)).toBeUndefined()
  expect(change(NaN, 1)).toBeUndefined()
  expect(change(10_001, 10_000)).toBe(0)
})

test('a change has its sign', () => {
  expect(signed(0.12, locale)).toBe('+12%')
  expect(signed(-0.034, locale)).toBe('-3.4%')
  expect(signed(0, locale)).toBe('0%')
})

describe('times are those of the zone', () => {
  test('of an instant', () => {
    expect(instant(noon, 'Europe/Berlin', { locale })).toBe('29 Mar 2026, 14:00:00')
    expect(instant(noon, 'America/New_York', { locale })).toBe('29 Mar 2026, 08:00:00')
    expect(instant(noon + 7, 'UTC', { locale, fine: true })).toBe('29 Mar, 12:00:00.007')
  })

  test('of a bucket, no finer than it is wide', () => {
    expect(bucket(noon, 60_000, 'UTC', locale)).toBe('Sun 29 Mar, 12:00')
    expect(bucket(noon, 86_400_000, 'UTC', locale)).toBe('Sun, 29 Mar 2026')
    expect(bucket(noon, 30 * 86_400_000, 'UTC', locale)).toBe('March 2026')
  })

  test('a day with a lost hour is still a day', () => {
    expect(bucket(Date.UTC(2026, 2, 28, 23), 23 * 3_600_000, 'Europe/Berlin', locale)).toBe(
      'Sun, 29 Mar 2026',
    )
  })

  test('of ticks, which name the day where one begins', () => {
    expect(tick(noon, 3_600_000, 'UTC', locale)).toBe('12:00')
    expect(tick(Date.UTC(2026, 2, 28, 23), 3_600_000, 'Europe/Berlin', locale)).toBe('29 Mar')
    expect(tick(noon, 7 * 86_400_000, 'UTC', locale)).toBe('29 Mar')
    expect(tick(noon, 10_000, 'UTC', locale)).toBe('12:00:00')
  })

  test('of a span, which says once what both ends share', () => {
    expect(between(noon, noon + 3_600_000, 'UTC', locale)).toMatch(/^29 Mar 2026, 12:00.+13:00$/)
  })
})
