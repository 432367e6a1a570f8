/** Answers as tables: every kind of answer comes in, heads and rows go out, for the drawing of tables and for files. */
import { timestampMs } from '@bufbuild/protobuf/wkt'
import type { Query, StoredEvent } from '../gen/tidemark/v1/question_pb'
import type { Result } from './answer'
import { propertiesOf } from './event'
import { groupOf, leaf, titles } from './measures'
import { chart, lifecycle } from './series'

export type Value = string | number | null

export type Column = {
  title: string
  /** How its values are written: numbers stand on the right. */
  kind: 'text' | 'number' | 'share' | 'time' | 'seconds'
  unit?: string
}

export type Row = {
  cells: Value[]
  /** The values of the period before, by column; empty without a comparison. */
  previous: Value[]
  /** The values that make the row; empty for a row that is not made by any. */
  group: readonly string[]
  other: boolean
}

export type Sheet = { columns: Column[]; rows: Row[] }

/** The table of an answer. */
export function sheet(result: Result, query: Query | undefined, unit = ''): Sheet {
  switch (result.case) {
    case 'table': {
      const known = titles(query)
      const paths = query?.question.case === 'table' ? query.question.value.groupBy : []
      const columns = result.value.columns.map(({ id, unit: own }) => {
        const title = known.find(each => each.id === id)
        return numeric(title?.title ?? id, unit || own || title?.unit)
      })
      const heads = paths.map(path => text(leaf(path)))
      const rows = result.value.rows.map(({ group, other, values, previousValues }) => {
        const names = heads.map((_, place) => (other ? (place ? '' : 'other') : group[place] || '(none)'))
        return row([...names, ...values], [...names.map(() => null), ...previousValues], group, other)
      })
      return { columns: [...heads, ...columns], rows }
    }
    case 'series': {
      const { starts, lines } = chart(result.value, query, unit)
      const columns = [time('time'), ...lines.map(line => numeric(line.label, line.unit))]
      return {
        columns,
        rows: starts.map((start, at) => row([start, ...lines.map(line => line.values[at] ?? null)])),
      }
    }
    case 'funnel': {
      const columns = [
        text('group'),
        text('step'),
        numeric('people'),
        share('of first'),
        share('of step before'),
        seconds('median time'),
      ]
      const rows = result.value.groups.flatMap(group =>
        group.steps.map(step =>
          row([
            group.all ? 'all' : groupOf([group.group], group.other),
            step.displayName,
            Number(step.people),
            step.ofFirst,
            step.ofPrevious,
            step.medianTime ? Number(step.medianTime.seconds) + step.medianTime.nanos / 1e9 : null,
          ]),
        ),
      )
      return { columns, rows }
    }
    case 'retention': {
      const offsets = Math.max(
        0,
        ...result.value.groups.flatMap(group => group.rows.map(each => each.back.length)),
      )
      const columns = [
        text('group'),
        time('began'),
        numeric('people'),
        ...Array.from({ length: offsets }, (_, at) => numeric(`${at}`)),
      ]
      const rows = result.value.groups.flatMap(group =>
        group.rows.map(each =>
          row([
            group.all ? 'all' : groupOf([group.group], group.other),
            each.start ? timestampMs(each.start) : null,
            Number(each.people),
            ...Array.from({ length: offsets }, (_, at) =>
              each.back[at] === undefined ? null : Number(each.back[at]),
            ),
          ]),
        ),
      )
      return { columns, rows }
    }
    case 'lifecycle': {
      const { starts, lines } = lifecycle(result.value)
      const columns = [time('period'), ...lines.map(line => numeric(line.label))]
      return {
        columns,
        rows: starts.map((start, at) => row([start, ...lines.map(line => Math.abs(line.values[at] ?? 0))])),
      }
    }
    case 'sessions': {
      const { bucketStarts, sessions, meanSeconds, bounceShare, meanEvents } = result.value
      const columns = [
        time('time'),
        numeric('sessions'),
        seconds('mean length'),
        share('one event only'),
        numeric('events'),
      ]
      const rows = bucketStarts.map((start, at) =>
        row([
          timestampMs(start),
          Number(sessions[at]),
          meanSeconds[at] ?? null,
          bounceShare[at] ?? null,
          meanEvents[at] ?? null,
        ]),
      )
      return { columns, rows }
    }
    case 'paths': {
      const { nodes, links } = result.value
      const name = (at: number) => (nodes[at]?.other ? 'other' : nodes[at]?.value || '(none)')
      const columns = [numeric('step'), text('from'), text('to'), numeric('paths')]
      const rows = links.map(({ from, to, paths }) =>
        row([nodes[from]?.step ?? null, name(from), name(to), Number(paths)]),
      )
      return { columns, rows }
    }
    case 'events': {
      const columns = [
        time('occurred_at'),
        text('name'),
        text('user_id'),
        text('session_id'),
        text('properties'),
      ]
      return { columns, rows: result.value.events.map(event => row(eventCells(event))) }
    }
    case 'people': {
      const columns = [text('user_id'), time('first seen'), time('last seen'), numeric('events')]
      const rows = result.value.people.map(({ userId, firstSeen, lastSeen, events }) =>
        row([
          userId,
          firstSeen ? timestampMs(firstSeen) : null,
          lastSeen ? timestampMs(lastSeen) : null,
          Number(events),
        ]),
      )
      return { columns, rows }
    }
    case undefined:
      return { columns: [], rows: [] }
  }
}

function eventCells({ event }: StoredEvent): Value[] {
  const at = event?.occurredAt ? timestampMs(event.occurredAt) : null
  return [
    at,
    event?.name ?? '',
    event?.userId ?? '',
    event?.sessionId ?? '',
    JSON.stringify(propertiesOf(event)),
  ]
}

const text = (title: string): Column => ({ title, kind: 'text' })
const time = (title: string): Column => ({ title, kind: 'time' })
const share = (title: string): Column => ({ title, kind: 'share' })
const seconds = (title: string): Column => ({ title, kind: 'seconds' })
const numeric = (title: string, unit?: string): Column => ({ title, kind: 'number', unit })

function row(cells: Value[], previous: Value[] = [], group: readonly string[] = [], other = false): Row {
  const plain = (value: Value) => (typeof value === 'number' && Number.isNaN(value) ? null : value)
  return { cells: cells.map(plain), previous: previous.map(plain), group, other }
}

/** The rows that hold a text, in the order of a column; `other` stays last. */
export function sorted(
  rows: readonly Row[],
  { by, down }: { by?: number; down: boolean },
  wanted = '',
): Row[] {
  const sought = wanted.trim().toLowerCase()
  const found = rows.filter(
    ({ cells }) =>
      !sought || cells.some(cell => typeof cell === 'string' && cell.toLowerCase().includes(sought)),
  )
  if (by === undefined) return found
  const sign = down ? -1 : 1
  return found.sort((a, b) => Number(a.other) - Number(b.other) || compare(a.cells[by]!, b.cells[by]!, sign))
}

/** Nothing comes last, whichever way it is sorted. */
function compare(a: Value, b: Value, sign: number): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  return (
    sign *
    (typeof a === 'number' && typeof b === 'number'
      ? a - b
      : String(a).localeCompare(String(b), undefined, { numeric: true }))
  )
}

/** A table as comma-separated values. A text that a spreadsheet would run begins with an apostrophe. */
export function csv({ columns, rows }: Sheet): string {
  const lines = rows.map(({ cells }) =>
    cells.map((cell, at) =>
      columns[at]?.kind === 'time' && typeof cell === 'number' ? new Date(cell).toISOString() : cell,
    ),
  )
  return (
    [columns.map(({ title }) => title), ...lines].map(line => line.map(quoted).join(',')).join('\r\n') +
    '\r\n'
  )
}

function quoted(cell: Value): string {
  if (cell === null) return ''
  const said = typeof cell === 'string' && /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : String(cell)
  return /[",\r\n]/.test(said) ? `"${said.replaceAll('"', '""')}"` : said
}
