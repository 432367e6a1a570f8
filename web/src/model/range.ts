/** Ranges of time as people choose them: those that are offered, their words, and how a brush or a step back makes others. */
import { create } from '@bufbuild/protobuf'
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt'
import { Interval_Unit as Unit, type TimeRange, TimeRangeSchema } from '../gen/tidemark/v1/question_pb'
import { between, instant } from './format'

export type Span = { start: number; end: number }

const MINUTE = 60
const HOUR = 3_600
const DAY = 86_400

/** The last so many seconds. */
export function last(seconds: number): TimeRange {
  return create(TimeRangeSchema, { last: { seconds: BigInt(Math.max(1, Math.round(seconds))) } })
}

/** So many whole units of the calendar, the last of them so many before the present one. */
export function calendar(unit: Unit, count = 1, ago = 0): TimeRange {
  return create(TimeRangeSchema, { calendar: { unit, count, ago } })
}

/** From one instant to another, in milliseconds. */
export function absolute({ start, end }: Span): TimeRange {
  return create(TimeRangeSchema, { start: timestampFromMs(start), end: timestampFromMs(end) })
}

export const LAST: { title: string; range: TimeRange }[] = [
  [5 * MINUTE, '5 minutes'],
  [15 * MINUTE, '15 minutes'],
  [HOUR, 'hour'],
  [6 * HOUR, '6 hours'],
  [DAY, '24 hours'],
  [7 * DAY, '7 days'],
  [30 * DAY, '30 days'],
  [90 * DAY, '90 days'],
  [365 * DAY, '12 months'],
  [3650 * DAY, '10 years'],
].map(([seconds, title]) => ({ title: `Last ${title}`, range: last(seconds as number) }))

export const CALENDAR: { title: string; range: TimeRange }[] = [
  { title: 'Today', range: calendar(Unit.DAY) },
  { title: 'Yesterday', range: calendar(Unit.DAY, 1, 1) },
  { title: 'This week', range: calendar(Unit.WEEK) },
  { title: 'Last week', range: calendar(Unit.WEEK, 1, 1) },
  { title: 'This month', range: calendar(Unit.MONTH) },
  { title: 'Last month', range: calendar(Unit.MONTH, 1, 1) },
  { title: 'Last 3 months', range: calendar(Unit.MONTH, 3, 1) },
  { title: 'Last 12 months', range: calendar(Unit.MONTH, 12, 1) },
]

const UNITS: Partial<Record<Unit, string>> = {
  [Unit.HOUR]: 'hour',
  [Unit.DAY]: 'day',
  [Unit.WEEK]: 'week',
  [Unit.MONTH]: 'month',
}

/** A range in words. */
export function words(range: TimeRange | undefined, zone: string): string {
  if (!range || (!range.start && !range.end && !range.last && !range.calendar)) return 'Last 24 hours'
  const offered = [...LAST, ...CALENDAR].find(each => same(each.range, range))
  if (offered) return offered.title
  if (range.last) return `Last ${spelled(Number(range.last.seconds))}`
  if (range.calendar) {
    const { unit, count, ago } = range.calendar
    const many = count > 1 ? `${count} ${UNITS[unit]}s` : `${UNITS[unit]}`
    return ago ? `${many} until ${ago} ${UNITS[unit]}${ago > 1 ? 's' : ''} ago` : `This ${many}`
  }
  if (range.start && range.end) return between(timestampMs(range.start), timestampMs(range.end), zone)
  const start = range.start ? instant(timestampMs(range.start), zone) : 'the beginning'
  return `${start} – ${range.end ? instant(timestampMs(range.end), zone) : 'now'}`
}

function spelled(seconds: number): string {
  for (const [length, name] of [
    [DAY, 'days'],
    [HOUR, 'hours'],
    [MINUTE, 'minutes'],
  ] as const)
    if (seconds % length === 0) return seconds === length ? name.slice(0, -1) : `${seconds / length} ${name}`
  return `${seconds} seconds`
}

/** Whether two ranges are the same. */
export function same(a: TimeRange | undefined, b: TimeRange | undefined): boolean {
  return keyOf(a) === keyOf(b)
}

function keyOf(range: TimeRange | undefined): string {
  const { start, end, last, calendar } = range ?? {}
  return JSON.stringify([
    start && timestampMs(start),
    end && timestampMs(end),
    last && Number(last.seconds) + last.nanos / 1e9,
    calendar && [calendar.unit, calendar.count || 1, calendar.ago],
  ])
}

/** Twice as much time around the middle, but not beyond `now`. */
export function wider({ start, end }: Span, now: number): Span {
  const length = end - start
  const until = Math.min(Math.max(now, end), end + length / 2)
  return { start: until - 2 * length, end: until }
}

/** An instant as `<input type="datetime-local">` takes it, in a time zone. */
export function local(ms: number, zone: string): string {
  return new Date(ms + offset(ms, zone)).toISOString().slice(0, 16)
}

/** The instant of such a text; undefined for one that is none. Where a clock shows a time twice, the first. */
export function fromLocal(text: string, zone: string): number | undefined {
  const naive = Date.parse(`${text}Z`)
  if (Number.isNaN(naive)) return undefined
  const candidates = [naive - offset(naive - DAY * 1000, zone), naive - offset(naive + DAY * 1000, zone)]
  const fitting = candidates.filter(each => each + offset(each, zone) === naive)
  return Math.min(...(fitting.length ? fitting : candidates))
}

const clocks = new Map<string, Intl.DateTimeFormat>()

/** How far a zone's clocks are ahead of UTC at an instant, in milliseconds. */
export function offset(ms: number, zone: string): number {
  let clock = clocks.get(zone)
  if (!clock) {
    const two = 'numeric' as const
    const fields = {
      year: two,
      month: two,
      day: two,
      hour: two,
      minute: two,
      second: two,
      hourCycle: 'h23',
    } as const
    clock = new Intl.DateTimeFormat('en-US', { timeZone: zone, ...fields })
    clocks.set(zone, clock)
  }
  const part = Object.fromEntries(clock.formatToParts(ms).map(({ type, value }) => [type, Number(value)]))
  const shown = Date.UTC(part.year!, part.month! - 1, part.day, part.hour, part.minute, part.second)
  return shown - Math.floor(ms / 1000) * 1000
}
