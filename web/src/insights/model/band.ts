/** Series beside what was, or is, to be expected, as charts take them: evidence, forecasts and back-tests come in. */
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt'
import type { BacktestPoint, SeriesForecast } from '../../gen/tidemark/v1/forecast_pb'
import type { EvidenceSeries } from '../../gen/tidemark/v1/insight_pb'
import type { Cell, Chart, Line } from '../../model/series'

/** One series: measured, expected (drawn dashed), and between which ends. */
export type Band = {
  label: string
  unit: string
  starts: number[]
  values: Cell[]
  expected: Cell[]
  /** Whether that is what is allowed at most, or at least. */
  limit: boolean
  lower: Cell[]
  upper: Cell[]
  marked: readonly number[]
}

/** At least so many buckets of the past are drawn before a forecast, or so many times its length. */
const PAST = { least: 120, times: 3 }

/** What an insight rests on, or what a rule would have found. What is expected and at once the only end is a limit. */
export function evidence(starts: readonly Timestamp[], series: EvidenceSeries): Band {
  const { label, unit, values, marked } = series
  const [told, lower, upper] = [column(series.expected), column(series.lower), column(series.upper)]
  const ends = [lower, upper].filter(end => end.length > 0)
  const [only = []] = ends
  const limit = ends.length === 1 && (told.length === 0 || only.every((value, at) => value === told[at]))
  const expected = limit ? only : told
  const end = (own: Cell[]) => (limit || ends.length === 0 ? [] : own.length ? own : expected)
  return {
    label,
    unit,
    starts: starts.map(timestampMs),
    values: values.map(cell),
    expected,
    limit,
    lower: end(lower),
    upper: end(upper),
    marked,
  }
}

/** A line of the past up to the bucket that had not ended, and how it is expected to go on. */
export function forecast(
  past: Chart,
  line: Line | undefined,
  ended: number,
  starts: readonly Timestamp[],
  series: SeriesForecast,
): Band {
  const next = starts.map(timestampMs)
  const known = line ? past.starts.slice(0, ended).filter(start => start < (next[0] ?? Infinity)) : []
  const first = Math.max(0, known.length - Math.max(PAST.least, PAST.times * next.length))
  const drawn = known.slice(first)
  const before = drawn.map(() => null)
  const ends = (values: readonly number[]) => (values.length ? [...before, ...values.map(cell)] : [])
  return {
    label: line?.label ?? series.measureId,
    unit: series.unit || (line?.unit ?? ''),
    starts: [...drawn, ...next],
    values: [...(line?.values.slice(first, known.length) ?? []), ...next.map(() => null)],
    expected: [...before, ...series.values.map(cell)],
    limit: false,
    lower: ends(series.lower),
    upper: ends(series.upper),
    marked: [],
  }
}

/** What was forecast of each bucket when it was last forecast, beside what it became. */
export function backtest(label: string, unit: string, points: readonly BacktestPoint[]): Band {
  const last = new Map(points.map(point => [point.bucketStart ? timestampMs(point.bucketStart) : 0, point]))
  const rows = [...last].sort(([a], [b]) => a - b)
  const figures = (of: (point: BacktestPoint) => number) => rows.map(([, point]) => cell(of(point)))
  return {
    label,
    unit,
    starts: rows.map(([start]) => start),
    values: figures(point => point.truth),
    expected: figures(point => point.value),
    limit: false,
    lower: figures(point => point.lower),
    upper: figures(point => point.upper),
    marked: [],
  }
}

/** The band as a chart. */
export function drawn(band: Band): Chart {
  const { label, unit, starts, values, expected, lower, upper, marked } = band
  const distances = starts.slice(1).map((start, place) => start - starts[place]!)
  const line: Line = {
    key: 'series',
    label,
    unit,
    measure: 'series',
    group: [],
    other: false,
    values,
    previous: expected,
    total: NaN,
    previousTotal: NaN,
    band: lower.length && upper.length ? { lower, upper } : undefined,
    marked,
  }
  return { starts, width: distances.length ? Math.min(...distances) : 3_600_000, lines: [line] }
}

/** A column that holds nothing at all is none. */
function column(values: readonly number[]): Cell[] {
  return values.some(Number.isFinite) ? values.map(cell) : []
}

function cell(value: number): Cell {
  return Number.isFinite(value) ? value : null
}
