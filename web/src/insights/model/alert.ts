/** Rules of alerts: what they say in words, the first of each condition, and how one stands. */
import { clone, create } from '@bufbuild/protobuf'
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt'
import type { Option, Tone } from '../../common/words'
import {
  type AlertRule,
  AlertRuleSchema,
  type Channel,
  Incident_State as IncidentState,
  Notification_State as NotificationState,
} from '../../gen/tidemark/v1/alert_pb'
import { Direction, Severity } from '../../gen/tidemark/v1/insight_pb'
import {
  IntervalSchema,
  Interval_Unit as Unit,
  Operator,
  QuerySchema,
  SeriesQuestionSchema,
  type TimeRange,
} from '../../gen/tidemark/v1/question_pb'
import { instant, number, percent } from '../../model/format'
import { titles } from '../../model/measures'
import { count } from '../../model/question'
import { last } from '../../model/range'

export type Condition = NonNullable<AlertRule['condition']['case']>

export const CONDITIONS: (Option<Condition> & { hint: string })[] = [
  { value: 'threshold', title: 'Threshold', hint: 'a value beyond a limit' },
  { value: 'change', title: 'Change', hint: 'a change beyond a share' },
  { value: 'anomaly', title: 'Anomaly', hint: 'a value that the past does not lead to expect' },
  { value: 'absence', title: 'Absence', hint: 'nothing comes' },
]

export const OPERATORS: Option<Operator>[] = [
  { value: Operator.GREATER, title: 'above' },
  { value: Operator.GREATER_OR_EQUAL, title: 'at or above' },
  { value: Operator.LESS, title: 'below' },
  { value: Operator.LESS_OR_EQUAL, title: 'at or below' },
]

export const DIRECTIONS: Option<Direction>[] = [
  { value: Direction.UNSPECIFIED, title: 'up or down' },
  { value: Direction.UP, title: 'up' },
  { value: Direction.DOWN, title: 'down' },
]

export const SNOOZES: Option<number>[] = [
  { value: 3_600, title: '1 hour' },
  { value: 14_400, title: '4 hours' },
  { value: 86_400, title: '1 day' },
  { value: 604_800, title: '1 week' },
]

export const INCIDENTS: (Option<IncidentState> & { tone: Tone })[] = [
  { value: IncidentState.OPEN, title: 'open', tone: 'bad' },
  { value: IncidentState.ACKNOWLEDGED, title: 'acknowledged', tone: 'warn' },
  { value: IncidentState.RESOLVED, title: 'over', tone: 'good' },
]

export const NOTIFICATIONS: (Option<NotificationState> & { tone: Tone })[] = [
  { value: NotificationState.PENDING, title: 'to be tried', tone: 'warn' },
  { value: NotificationState.DELIVERED, title: 'delivered', tone: 'good' },
  { value: NotificationState.FAILED, title: 'given up', tone: 'bad' },
]

const BUCKETS = 1440
const YEAR = 365 * 86_400
/** How long a bucket of each unit is, in seconds. */
const LENGTHS: Partial<Record<Unit, number>> = {
  [Unit.SECOND]: 1,
  [Unit.MINUTE]: 60,
  [Unit.HOUR]: 3_600,
  [Unit.DAY]: 86_400,
  [Unit.WEEK]: 604_800,
  [Unit.MONTH]: 2_592_000,
}

/** What an editor begins with: more than so many events in a minute. */
export function begun(): AlertRule {
  const series = create(SeriesQuestionSchema, {
    measures: [count()],
    interval: create(IntervalSchema, { unit: Unit.MINUTE }),
  })
  return turned(create(AlertRuleSchema, { series, severity: Severity.HIGH }), 'threshold')
}

/** The rule with a first condition of another kind. */
export function turned(rule: AlertRule, kind: Condition): AlertRule {
  if (rule.condition.case === kind) return rule
  const conditions = {
    threshold: { case: 'threshold' as const, value: { operator: Operator.GREATER, value: 100 } },
    change: { case: 'change' as const, value: { share: 0.5 } },
    anomaly: { case: 'anomaly' as const, value: { falseAlarmRate: 0.001 } },
    absence: { case: 'absence' as const, value: {} },
  }
  const { condition } = create(AlertRuleSchema, { condition: conditions[kind] })
  return Object.assign(clone(AlertRuleSchema, rule), { condition })
}

/** The rule as it is until it is looked at again: off, or quiet for so many seconds from `now`; 0 ends the quiet. */
export function quiet(
  rule: AlertRule,
  change: { disabled?: boolean; seconds?: number },
  now: number,
): AlertRule {
  const copy = clone(AlertRuleSchema, rule)
  if (change.disabled !== undefined) copy.disabled = change.disabled
  if (change.seconds !== undefined)
    copy.snoozeUntil = change.seconds ? timestampFromMs(now + 1000 * change.seconds) : undefined
  return copy
}

/** So much of the past that a rule is tried on about as many buckets as a day has minutes, but on no more than a year. */
export function past({ series }: AlertRule): TimeRange {
  const { unit = Unit.MINUTE, count = 1 } = series?.interval ?? {}
  return last(Math.min(YEAR, (LENGTHS[unit] ?? 60) * Math.max(1, count) * BUCKETS))
}

/** What a rule watches. */
export function watched({ series }: AlertRule): string {
  if (!series) return ''
  const query = create(QuerySchema, { question: { case: 'series', value: series } })
  const split = series.groupBy.length ? `, for each ${series.groupBy.join(' and ')}` : ''
  return (
    titles(query)
      .map(each => each.title)
      .join(', ') + split
  )
}

/** When a bucket is at fault. */
export function fault({ condition }: AlertRule): string {
  switch (condition.case) {
    case 'threshold': {
      const { operator, value } = condition.value
      return `${OPERATORS.find(each => each.value === operator)?.title ?? 'beyond'} ${number(value)}`
    }
    case 'change': {
      const { share, direction, bucketsAgo } = condition.value
      const than = bucketsAgo > 1 ? `${number(bucketsAgo)} buckets before` : 'the bucket before'
      return `${words(direction)} by more than ${percent(share)} from ${than}`
    }
    case 'anomaly': {
      const { falseAlarmRate, direction } = condition.value
      return `not to be expected, ${words(direction)}; a false alarm in ${number(1 / (falseAlarmRate || 0.001), { decimals: 0 })} buckets`
    }
    case 'absence':
      return 'nothing comes'
    default:
      return ''
  }
}

/** How many buckets in a row, where that is more than one. */
export function patience({ forBuckets }: AlertRule): string {
  return forBuckets > 1 ? `, ${number(forBuckets)} in a row` : ''
}

function words(direction: Direction): string {
  return DIRECTIONS.find(each => each.value === direction)?.title ?? ''
}

/** How a rule stands now. */
export function standing(
  rule: AlertRule,
  now: number,
  zone: string,
): { title: string; tone: Tone; hint: string } {
  const until = rule.snoozeUntil ? timestampMs(rule.snoozeUntil) : 0
  if (rule.disabled) return { title: 'disabled', tone: '', hint: 'It is not looked at' }
  if (until > now)
    return {
      title: `snoozed until ${instant(until, zone)}`,
      tone: 'warn',
      hint: 'It opens no incident until then',
    }
  if (rule.fault) return { title: 'cannot be looked at', tone: 'bad', hint: rule.fault }
  return { title: 'on', tone: 'good', hint: 'It is looked at as buckets end' }
}

/** Where a channel leads to. */
export function reached({ target }: Channel): string {
  if (target.case === 'webhook') return target.value.url
  return target.case === 'email' ? target.value.to.join(', ') : ''
}
