import { create } from '@bufbuild/protobuf'
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt'
import { describe, expect, test } from 'vitest'
import {
  type WatchQueryResponse,
  WatchQueryResponseSchema,
  WatchQueryResponse_Kind as Kind,
} from '../../src/gen/tidemark/v1/query_pb'
import { type Answer, applied, vacant } from '../../src/model/answer'
import { below, random } from './random'

const MINUTE = 60_000

type Lines = Record<string, number[]>

function series(kind: Kind, starts: number[], lines: Lines, from = starts[0] ?? 0): WatchQueryResponse {
  return create(WatchQueryResponseSchema, {
    kind,
    metadata: { timeRange: { start: timestampFromMs(from), end: timestampFromMs(from + 60 * MINUTE) } },
    result: {
      case: 'series',
      value: {
        bucketStarts: starts.map(timestampFromMs),
        series: Object.entries(lines).map(([group, values]) => ({
          measureId: 'A',
          group: [group],
          values,
          total: values.length,
        })),
      },
    },
  })
}

function events(kind: Kind, ids: number[]): WatchQueryResponse {
  const stored = ids.map(id => ({
    event: { eventId: Uint8Array.of(id), occurredAt: timestampFromMs(id * 1000) },
  }))
  return create(WatchQueryResponseSchema, { kind, result: { case: 'events', value: { events: stored } } })
}

function heartbeat(version: string): WatchQueryResponse {
  return create(WatchQueryResponseSchema, { kind: Kind.HEARTBEAT, metadata: { dataVersion: version } })
}

function read(answer: Answer | undefined) {
  if (answer?.result.case !== 'series') throw new Error('no series')
  const { bucketStarts, series } = answer.result.value
  return {
    starts: bucketStarts.map(timestampMs),
    lines: Object.fromEntries<number[]>(series.map(({ group, values }) => [group[0]!, values])),
  }
}

describe('series', () => {
  const first = applied(undefined, series(Kind.SNAPSHOT, [0, 1, 2], { de: [1, 2, 3], us: [4, 5, 6] }))

  test('a change replaces the buckets it holds and leaves the others', () => {
    const then = applied(first, series(Kind.DELTA, [2], { de: [30], us: [60] }, 0))
    expect(read(then)).toEqual({ starts: [0, 1, 2], lines: { de: [1, 2, 30], us: [4, 5, 60] } })
  })

  test('what was answered before stays as it is', () => {
    applied(first, series(Kind.DELTA, [2], { de: [30], us: [60] }, 0))
    expect(read(first).lines).toEqual({ de: [1, 2, 3], us: [4, 5, 6] })
  })

  test('new buckets come at their place', () => {
    const then = applied(first, series(Kind.DELTA, [3], { de: [9], us: [8] }, 0))
    expect(read(then)).toEqual({ starts: [0, 1, 2, 3], lines: { de: [1, 2, 3, 9], us: [4, 5, 6, 8] } })
  })

  test('a range that moves on leaves buckets behind, but not the one it is in', () => {
    const known = applied(undefined, series(Kind.SNAPSHOT, [0, 10, 20], { de: [1, 2, 3] }))
    const then = applied(known, series(Kind.DELTA, [30], { de: [4] }, 15))
    expect(read(then)).toEqual({ starts: [10, 20, 30], lines: { de: [2, 3, 4] } })
  })

  test('totals are those of the change', () => {
    const then = applied(first, series(Kind.DELTA, [2], { de: [30], us: [60] }, 0))
    expect(then?.result.case === 'series' && then.result.value.series.map(line => line.total)).toEqual([1, 1])
  })

  test('values of the period before are joined as well', () => {
    const both = series(Kind.SNAPSHOT, [0, 1], { de: [1, 2] })
    if (both.result.case === 'series') both.result.value.series[0]!.previousValues = [7, 8]
    const change = series(Kind.DELTA, [1], { de: [3] }, 0)
    if (change.result.case === 'series') change.result.value.series[0]!.previousValues = [9]
    const then = applied(applied(undefined, both), change)
    expect(then?.result.case === 'series' && then.result.value.series[0]!.previousValues).toEqual([7, 9])
  })

  test('whatever changes come, the answer is that of a fresh snapshot', () => {
    const chance = random(1)
    for (let round = 0; round < 50; round++) {
      const truth = new Map(Array.from({ length: 8 }, (_, at) => [at * MINUTE, below(chance, 9)]))
      let from = 0
      let kept = applied(undefined, series(Kind.SNAPSHOT, [...truth.keys()], { de: [...truth.values()] }))
      for (let step = 0; step < 20; step++) {
        const starts = [...truth.keys()]
        const touched = new Set([starts[below(chance, starts.length)]!])
        if (chance() < 0.4) {
          from += MINUTE / 2
          const next = starts.at(-1)! + MINUTE
          touched.add(next)
          truth.set(next, 0)
          for (const start of truth.keys()) if (start + MINUTE <= from) truth.delete(start)
        }
        const changed = [...touched].filter(start => truth.has(start)).sort((a, b) => a - b)
        for (const start of changed) truth.set(start, below(chance, 100))
        kept = applied(
          kept,
          series(Kind.DELTA, changed, { de: changed.map(start => truth.get(start)!) }, from),
        )
        expect(read(kept)).toEqual({ starts: [...truth.keys()], lines: { de: [...truth.values()] } })
      }
    }
  })
})

describe('events', () => {
  const ids = (answer: Answer | undefined) =>
    answer?.result.case === 'events' ? answer.result.value.events.map(({ event }) => event!.eventId[0]) : []

  test('new ones come first, in the order in which they happened', () => {
    const kept = applied(applied(undefined, events(Kind.SNAPSHOT, [5, 3])), events(Kind.DELTA, [4, 6]))
    expect(ids(kept)).toEqual([6, 5, 4, 3])
  })

  test('one that is known is not shown twice', () => {
    expect(ids(applied(applied(undefined, events(Kind.SNAPSHOT, [5, 3])), events(Kind.DELTA, [5])))).toEqual([
      5, 3,
    ])
  })

  test('old ones go when there are too many', () => {
    const kept = applied(undefined, events(Kind.SNAPSHOT, [1]))
    const then = applied(
      kept,
      events(
        Kind.DELTA,
        Array.from({ length: 150 }, (_, at) => 200 - at),
      ),
    )
    expect(ids(then)).toHaveLength(100)
    expect(ids(then)[0]).toBe(200)
  })
})

test('a sign of life changes what is known of the answer and nothing else', () => {
  const kept = applied(undefined, events(Kind.SNAPSHOT, [1]))
  const then = applied(kept, heartbeat('two'))
  expect(then?.metadata?.dataVersion).toBe('two')
  expect(then?.result).toBe(kept?.result)
})

test('a change without a snapshot before it is no answer', () => {
  expect(applied(undefined, events(Kind.DELTA, [1]))).toBeUndefined()
})

test('an answer without anything in it is told apart', () => {
  expect(vacant({ case: undefined })).toBe(true)
  expect(vacant(series(Kind.SNAPSHOT, [0], { de: [0] }).result)).toBe(false)
  const none = create(WatchQueryResponseSchema, {
    result: { case: 'series', value: { series: [{ values: [NaN, 0] }] } },
  })
  expect(vacant(none.result)).toBe(true)
  expect(vacant(events(Kind.SNAPSHOT, []).result)).toBe(true)
  expect(vacant(events(Kind.SNAPSHOT, [1]).result)).toBe(false)
})
