import { create } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { AlertRuleSchema, ChannelSchema } from '../../../src/gen/tidemark/v1/alert_pb'
import { Direction } from '../../../src/gen/tidemark/v1/insight_pb'
import { IntervalSchema, Interval_Unit, Operator } from '../../../src/gen/tidemark/v1/question_pb'
import {
  CONDITIONS,
  begun,
  fault,
  past,
  patience,
  quiet,
  reached,
  standing,
  turned,
  watched,
} from '../../../src/insights/model/alert'

const NOW = Date.UTC(2026, 10, 22)

test.each(CONDITIONS)('a rule can be turned to $value and says when it is at fault', ({ value: kind }) => {
  const rule = begun()
  const other = turned(rule, kind)
  expect(other.condition.case).toBe(kind)
  expect(fault(other)).not.toBe('')
  expect(rule.condition.case).toBe('threshold')
  expect(turned(other, kind)).toBe(other)
})

test('a condition is told with its figures', () => {
  const rule = (condition: object) => create(AlertRuleSchema, { condition } as never)
  expect(fault(rule({ case: 'threshold', value: { operator: Operator.LESS, value: 10 } }))).toBe('below 10')
  expect(
    fault(rule({ case: 'change', value: { share: 0.2, direction: Direction.DOWN, bucketsAgo: 24 } })),
  ).toBe('down by more than 20% from 24 buckets before')
  expect(fault(create(AlertRuleSchema))).toBe('')
  expect(patience(create(AlertRuleSchema, { forBuckets: 3 }))).toBe(', 3 in a row')
})

test('what is watched is told with what it is split by', () => {
  const rule = begun()
  rule.series!.groupBy = ['properties.country']
  expect(watched(rule)).toBe('all events, for each properties.country')
})

test.each([
  [Interval_Unit.MINUTE, 1, 86_400],
  [Interval_Unit.HOUR, 0, 60 * 86_400],
  [Interval_Unit.WEEK, 1, 365 * 86_400],
])('a rule is tried on a past that suits its buckets (%d)', (unit, count, seconds) => {
  const rule = begun()
  rule.series!.interval = create(IntervalSchema, { unit, count })
  expect(past(rule).last?.seconds).toBe(BigInt(seconds))
})

test('a rule is kept quiet for a while, and woken', () => {
  const rule = begun()
  const snoozed = quiet(rule, { seconds: 3600 }, NOW)
  expect(timestampMs(snoozed.snoozeUntil!)).toBe(NOW + 3_600_000)
  expect(standing(snoozed, NOW, 'UTC').title).toMatch(/^snoozed until/)
  expect(standing(snoozed, NOW + 3_600_001, 'UTC').title).toBe('on')
  expect(quiet(snoozed, { seconds: 0 }, NOW).snoozeUntil).toBeUndefined()
  expect(standing(quiet(rule, { disabled: true }, NOW), NOW, 'UTC').title).toBe('disabled')
  expect(rule.disabled).toBe(false)
})

test('a rule that cannot be looked at says why', () => {
  const rule = create(AlertRuleSchema, { fault: 'no such field' })
  expect(standing(rule, NOW, 'UTC')).toMatchObject({ tone: 'bad', hint: 'no such field' })
})

test('a channel says where it leads to', () => {
  const target = { case: 'email' as const, value: { to: ['a@b.c', 'd@e.f'] } }
  expect(reached(create(ChannelSchema, { target }))).toBe('a@b.c, d@e.f')
  expect(reached(create(ChannelSchema))).toBe('')
})
