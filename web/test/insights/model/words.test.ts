import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { idOf, span, titleOf, when } from '../../../src/common/words'
import { InsightType, Severity } from '../../../src/gen/tidemark/v1/insight_pb'
import { place } from '../../../src/insights/model/gauge'
import { TYPES, chance, spread, sure, toneOf } from '../../../src/insights/model/words'

test.each([
  [0.94, 'very likely (94%)'],
  [0.7, 'likely (70%)'],
  [0.5, 'more likely than not (50%)'],
  [0.2, 'doubtful (20%)'],
  [NaN, '–'],
])('%d is told in words and as a number', (probability, words) => {
  expect(sure(probability)).toBe(words)
})

test('a share is told with its interval, where there is one', () => {
  expect(spread(0.841, 0.81, 0.873)).toBe('84.1% (81% to 87.3%)')
  expect(spread(0.5, 0, 0)).toBe('50%')
  expect(spread(0.5, NaN, NaN)).toBe('50%')
})

test('a chance is never nothing', () => {
  expect(chance(1e-12)).toBe('< 0.0001')
  expect(chance(0.034)).toBe('0.034')
  expect(chance(NaN)).toBe('–')
})

test('what is not known has no words', () => {
  expect(titleOf(TYPES, InsightType.UNSPECIFIED)).toBe('')
  expect(toneOf(Severity.UNSPECIFIED)).toBe('')
  expect(when(undefined, 'UTC')).toBe('–')
  expect(span(undefined, undefined, 'UTC')).toBe('–')
  expect(span(timestampFromMs(0), undefined, 'UTC')).toMatch(/^since /)
  expect(idOf('projects/a/models/churn')).toBe('churn')
})

test('a value is placed beside what was to be expected', () => {
  expect(place({ value: 100, lower: 80, upper: 120 })).toEqual({ from: 25, to: 75, at: 50, out: false })
  expect(place({ value: 1e9, lower: 80, upper: 120 })).toMatchObject({ at: 100, out: true })
  expect(place({ value: 0, lower: 0, upper: 0 })).toMatchObject({ at: 50, out: false })
  expect(place({ value: NaN, lower: 80, upper: 120 })).toBeUndefined()
})
