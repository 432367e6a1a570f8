/** Series as a chart takes them: a `SeriesResult` comes in; aligned columns, sums of those that stand on one another, and what each
 * line is called go out to `tiles/plot.ts`. */
import { timestampMs } from '@bufbuild/protobuf/wkt'
import type { LifecycleResult, Query, SeriesResult, SessionsResult } from '../gen/tidemark/v1/question_pb'
import { keyOf } from './answer'
import { label, titles } from './measures'

/** A value, or nothing where nothing was measured. */
export type Cell = number | null

export type Line = {
  key: string
  label: string
  unit: string
  measure: string
  group: readonly string[]
  other: boolean
  values: Cell[]
  /** Of the period before, which is drawn dashed; empty without a comparison. */
  previous: Cell[]
  total: number
  previousTotal: number
  /** Between these the values were to be expected. */
  band?: { lower: Cell[]; upper: Cell[] }
  /** Buckets that are pointed at. */
  marked?: readonly number[]
}

export type Chart = {
  /** When each bucket begins, in milliseconds. */
  starts: number[]
  /** How wide a bucket is, in milliseconds; of months the shortest. */
  width: number
  lines: Line[]
}

/** The chart of a series that was asked until `end`, in milliseconds. */
export function chart(result: SeriesResult, query: Query | undefined, unit = '', end?: number): Chart {
  const known = titles(query)
  const starts = result.bucketStarts.map(timestampMs)
  const lines = result.series.map(line => ({
    key: keyOf(line),
    label: label(line, known),
    unit: unit || line.unit || (known.find(({ id }) => id === line.measureId)?.unit ?? ''),
    measure: line.measureId,
    group: line.group,
    other: line.other,
    values: line.values.map(cell),
    previous: line.previousValues.map(cell),
    total: line.total,
    previousTotal: line.previousTotal,
  }))
  return { starts, width: widthOf(starts, end), lines }
}

/** People by state; those who went away stand below the line. */
export function lifecycle(result: LifecycleResult): Chart {
  const starts = result.starts.map(timestampMs)
  const states = [
    ['new', 'New', result.new],
    ['returning', 'Returning', result.returning],
    ['resurrecting', 'Resurrecting', result.resurrecting],
    ['dormant', 'Dormant', result.dormant.map(each => -each)],
  ] as const
  const lines = states.map(([key, title, people]) => plain(key, title, people.map(Number)))
  return { starts, width: widthOf(starts), lines }
}

/** Sessions by when they began. */
export function sessions(result: SessionsResult): Chart {
  const starts = result.bucketStarts.map(timestampMs)
  return {
    starts,
    width: widthOf(starts),
    lines: [plain('sessions', 'Sessions', result.sessions.map(Number))],
  }
}

function plain(key: string, label: string, values: Cell[]): Line {
  const total = values.reduce<number>((sum, value) => sum + (value ?? 0), 0)
  return {
    key,
    label,
    unit: '',
    measure: key,
    group: [],
    other: false,
    values,
    previous: [],
    total,
    previousTotal: NaN,
  }
}

function cell(value: number): Cell {
  return Number.isFinite(value) ? value : null
}

/** The least distance between buckets; a single one reaches to the end, or is a day wide where that is not known. */
function widthOf(starts: readonly number[], end?: number): number {
  const [only] = starts
  if (starts.length === 1 && end !== undefined && end > only!) return end - only!
  const distances = starts.slice(1).map((start, place) => start - starts[place]!)
  return distances.length ? Math.min(...distances) : 86_400_000
}

/** Sums of lines that stand on one another, from the first, and on which line each stands; lines below zero hang apart. */
export function stacked(lines: readonly { values: readonly Cell[] }[]): {
  values: Cell[][]
  on: (number | undefined)[]
} {
  const length = lines[0]?.values.length ?? 0
  const last: Record<'above' | 'below', { sums: number[]; line?: number }> = {
    above: { sums: Array<number>(length).fill(0) },
    below: { sums: Array<number>(length).fill(0) },
  }
  const on: (number | undefined)[] = []
  const values = lines.map((line, place) => {
    const side = last[line.values.some(value => value !== null && value < 0) ? 'below' : 'above']
    on.push(side.line)
    side.line = place
    side.sums = line.values.map((value, at) => (side.sums[at] ?? 0) + (value ?? 0))
    return side.sums
  })
  return { values, on }
}

/** The sum of lines, nothing where none has a value. */
export function summed(columns: readonly (readonly Cell[])[]): Cell[] {
  return (columns[0] ?? []).map((_, at) =>
    columns.reduce<Cell>((sum, column) => {
      const value = column[at] ?? null
      return value === null ? sum : (sum ?? 0) + value
    }, null),
  )
}

/** From which bucket on values may still grow: the first that had not ended at the watermark. */
export function growing({ starts, width }: Chart, watermark: number | undefined): number {
  if (watermark === undefined) return 0
  const place = starts.findIndex((start, at) => (starts[at + 1] ?? start + width) > watermark)
  return place < 0 ? starts.length : place
}
