/** Answers that are kept up to date: snapshots, changes and signs of life of a stream come in, the whole answer goes out to the
 * tiles. A new answer is a new object; an old one stays as it is. */
import { create } from '@bufbuild/protobuf'
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt'
import { type WatchQueryResponse, WatchQueryResponse_Kind as Kind } from '../gen/tidemark/v1/query_pb'
import {
  type EventsResult,
  EventsResultSchema,
  type QueryMetadata,
  type Series,
  SeriesSchema,
  type SeriesResult,
  SeriesResultSchema,
  type StoredEvent,
} from '../gen/tidemark/v1/question_pb'
import { idOf } from './event'

export type Result = WatchQueryResponse['result']

export type Answer = {
  metadata?: QueryMetadata
  result: Result
}

/** How many events an answer keeps at least; more when the snapshot held more. */
const EVENTS_KEPT = 100

/** The answer after a message. */
export function applied(kept: Answer | undefined, change: WatchQueryResponse): Answer | undefined {
  const metadata = change.metadata ?? kept?.metadata
  if (change.kind === Kind.SNAPSHOT) return { metadata, result: change.result }
  if (!kept) return undefined
  return { metadata, result: change.result.case ? joined(kept.result, change.result, metadata) : kept.result }
}

function joined(old: Result, change: Result, metadata: QueryMetadata | undefined): Result {
  if (old.case === 'series' && change.case === 'series')
    return { case: 'series', value: joinedSeries(old.value, change.value, metadata?.timeRange?.start) }
  if (old.case === 'events' && change.case === 'events')
    return { case: 'events', value: joinedEvents(old.value, change.value) }
  return change
}

/** Buckets of the change replace those that begin at the same time; those that the range has left behind go. */
function joinedSeries(old: SeriesResult, change: SeriesResult, start: Timestamp | undefined): SeriesResult {
  const before = new Map(old.bucketStarts.map((at, place) => [timestampMs(at), place]))
  const after = new Map(change.bucketStarts.map((at, place) => [timestampMs(at), place]))
  const all = new Map([...old.bucketStarts, ...change.bucketStarts].map(at => [timestampMs(at), at]))
  const kept = present(
    [...all.keys()].sort((a, b) => a - b),
    start ? timestampMs(start) : -Infinity,
  )
  const known = new Map(old.series.map(line => [keyOf(line), line]))
  const pick = (now: number[], then: number[] | undefined) =>
    now.length || then?.length
      ? kept.map(at => now[after.get(at) ?? -1] ?? then?.[before.get(at) ?? -1] ?? NaN)
      : []
  const series = change.series.map(line => {
    const last = known.get(keyOf(line))
    return create(SeriesSchema, {
      ...line,
      values: pick(line.values, last?.values),
      previousValues: pick(line.previousValues, last?.previousValues),
    })
  })
  return create(SeriesResultSchema, { bucketStarts: kept.map(at => all.get(at)!), series })
}

/** The buckets that reach into a range which begins at `start`: the first of them may begin before. */
function present(starts: number[], start: number): number[] {
  const first = starts.findLastIndex(at => at <= start)
  return first > 0 ? starts.slice(first) : starts
}

/** What tells a line from the others of its answer. */
export function keyOf(line: Pick<Series, 'measureId' | 'group' | 'other'>): string {
  return JSON.stringify([line.measureId, line.group, line.other])
}

/** New events come first; one that is known already is not shown twice. */
function joinedEvents(old: EventsResult, change: EventsResult): EventsResult {
  const seen = new Set<string>()
  const fresh = [...change.events, ...old.events].filter(event => {
    const id = idOf(event.event)
    return !seen.has(id) && seen.add(id)
  })
  fresh.sort((a, b) => occurred(b) - occurred(a))
  return create(EventsResultSchema, { events: fresh.slice(0, Math.max(EVENTS_KEPT, old.events.length)) })
}

function occurred({ event }: StoredEvent): number {
  return event?.occurredAt ? timestampMs(event.occurredAt) : 0
}

/** Whether an answer holds nothing to draw. */
export function vacant({ case: kind, value }: Result): boolean {
  switch (kind) {
    case 'series':
      return value.series.every(line => line.values.every(each => !(each > 0 || each < 0)) && !line.total)
    case 'events':
      return value.events.length === 0
    case 'table':
      return value.rows.length === 0
    case 'funnel':
      return !value.groups[0]?.steps[0]?.people
    case 'retention':
      return value.groups.every(group => group.rows.every(row => !row.people))
    case 'lifecycle':
      return [...value.new, ...value.returning, ...value.resurrecting, ...value.dormant].every(each => !each)
    case 'sessions':
      return !value.total?.sessions
    case 'paths':
      return !value.paths
    case 'people':
      return value.people.length === 0
    case undefined:
      return true
  }
}
