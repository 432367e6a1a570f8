/** How the values of the contract are called: enumerations and figures come in, words and tones of chips go out. */
import { ForecastMethod as Method } from '../../gen/tidemark/v1/forecast_pb'
import {
  Cause,
  Feedback,
  Indicator_Kind as IndicatorKind,
  InsightType as Type,
  Insight_State as State,
  Severity,
} from '../../gen/tidemark/v1/insight_pb'
import { Interval_Unit as Unit } from '../../gen/tidemark/v1/question_pb'
import type { Option, Tone } from '../../common/words'
import { NOTHING, percent } from '../../model/format'

export const TYPES: Option<Type>[] = [
  { value: Type.ANOMALY, title: 'anomaly' },
  { value: Type.TREND, title: 'trend' },
  { value: Type.CORRELATION, title: 'correlation' },
  { value: Type.PREDICTION, title: 'prediction' },
  { value: Type.BUSINESS_IMPACT, title: 'business impact' },
]

export const SEVERITIES: (Option<Severity> & { tone: Tone })[] = [
  { value: Severity.LOW, title: 'low', tone: '' },
  { value: Severity.MEDIUM, title: 'medium', tone: 'warn' },
  { value: Severity.HIGH, title: 'high', tone: 'bad' },
  { value: Severity.CRITICAL, title: 'critical', tone: 'bad' },
]

export const STATES: Option<State>[] = [
  { value: State.OPEN, title: 'open' },
  { value: State.ACKNOWLEDGED, title: 'acknowledged' },
  { value: State.DISMISSED, title: 'dismissed' },
  { value: State.EXPIRED, title: 'expired' },
]

export const CAUSES: (Option<Cause> & { tone: Tone })[] = [
  { value: Cause.BUSINESS_CHANGE, title: 'business change', tone: 'good' },
  { value: Cause.DATA_INCIDENT, title: 'data incident', tone: 'warn' },
]

export const FEEDBACKS: (Option<Feedback> & { hint: string })[] = [
  { value: Feedback.CONFIRMED, title: 'Confirmed', hint: 'It was so, and worth telling' },
  { value: Feedback.EXPECTED, title: 'Expected', hint: 'It was so, and known before' },
  { value: Feedback.FALSE_ALARM, title: 'False alarm', hint: 'It was nothing' },
]

export const INDICATORS: (Option<IndicatorKind> & { asks: string })[] = [
  { value: IndicatorKind.RETENTION, title: 'Retention', asks: 'Event that people come back to' },
  { value: IndicatorKind.ERROR_RATE, title: 'Error rate', asks: 'Event whose errors count' },
  { value: IndicatorKind.RESPONSE_TIME, title: 'Response time', asks: 'Metric' },
  { value: IndicatorKind.THROUGHPUT, title: 'Throughput', asks: 'Event that is counted' },
  { value: IndicatorKind.NAMED, title: 'Any series', asks: '' },
]

export const METHODS: Option<Method>[] = [
  { value: Method.UNSPECIFIED, title: 'chosen by back-test' },
  { value: Method.NAIVE, title: 'naive (the last value)' },
  { value: Method.SEASONAL_NAIVE, title: 'seasonal naive (the value one season ago)' },
  { value: Method.ETS, title: 'exponential smoothing' },
  { value: Method.THETA, title: 'theta' },
  { value: Method.LINEAR, title: 'linear models' },
  { value: Method.BOOSTED, title: 'boosted trees' },
  { value: Method.MEAN, title: 'mean of the best' },
]

/** Widths of the buckets of an indicator. */
export const INTERVALS: Option<Unit>[] = [
  { value: Unit.HOUR, title: 'hour' },
  { value: Unit.MINUTE, title: 'minute' },
  { value: Unit.DAY, title: 'day' },
  { value: Unit.WEEK, title: 'week' },
]

/** A severity as a chip is coloured. */
export function toneOf(severity: Severity): Tone {
  return SEVERITIES.find(each => each.value === severity)?.tone ?? ''
}

/** A probability in words and as a number: `very likely (94%)`. */
export function sure(probability: number): string {
  if (!Number.isFinite(probability)) return NOTHING
  const words =
    probability >= 0.9
      ? 'very likely'
      : probability >= 0.7
        ? 'likely'
        : probability >= 0.5
          ? 'more likely than not'
          : 'doubtful'
  return `${words} (${percent(probability, 0)})`
}

/** A share and its interval: `84.1% (81.0% to 87.3%)`. */
export function spread(value: number, lower: number, upper: number): string {
  const known = Number.isFinite(lower) && Number.isFinite(upper) && upper >= lower && upper !== 0
  return known ? `${percent(value, 1)} (${percent(lower, 1)} to ${percent(upper, 1)})` : percent(value, 1)
}

/** A chance, as small as it may be. */
export function chance(p: number): string {
  if (!Number.isFinite(p)) return NOTHING
  return p < 0.0001 ? '< 0.0001' : p.toPrecision(2)
}
