/** Stored events as people read them: their properties, a line of what matters, and the whole as JSON. */
import { timestampDate } from '@bufbuild/protobuf/wkt'
import { type Event, EventType } from '../gen/tidemark/v1/event_pb'
import type { StoredEvent } from '../gen/tidemark/v1/question_pb'

/** The types of events, as questions name them and as people read them. */
export const TYPES: { type: EventType; name: string; words: string; short: string }[] = [
  { type: EventType.USER_ACTION, name: 'USER_ACTION', words: 'user action', short: 'user' },
  { type: EventType.SYSTEM_EVENT, name: 'SYSTEM_EVENT', words: 'system event', short: 'system' },
  {
    type: EventType.PERFORMANCE_METRIC,
    name: 'PERFORMANCE_METRIC',
    words: 'performance metric',
    short: 'perf',
  },
  { type: EventType.BUSINESS_METRIC, name: 'BUSINESS_METRIC', words: 'business metric', short: 'business' },
  { type: EventType.ERROR_EVENT, name: 'ERROR_EVENT', words: 'error', short: 'error' },
  { type: EventType.SECURITY_EVENT, name: 'SECURITY_EVENT', words: 'security event', short: 'security' },
]

/** The id of an event as a UUID. */
export function idOf(event: Event | undefined): string {
  const hex = Array.from(event?.eventId ?? [], byte => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** What is known about an event, from whichever form it came in. */
export function propertiesOf(event: Event | undefined): Record<string, unknown> {
  return record(event?.propertiesJson, event?.properties)
}

/** A line of properties, as in `author=ann churn=12`, until it is long enough. */
export function summary(event: Event | undefined, longest = 160): string {
  let line = ''
  for (const [key, value] of Object.entries(propertiesOf(event))) {
    if (line.length > longest) break
    line += `${key}=${typeof value === 'string' ? value : JSON.stringify(value)} `
  }
  return line.trim()
}

/** The whole event as JSON, for people. */
export function json(stored: StoredEvent): string {
  const { event, late } = stored
  const shown = {
    event_id: idOf(event),
    type: TYPES.find(each => each.type === event?.type)?.name,
    name: event?.name,
    occurred_at: instant(event?.occurredAt),
    user_id: event?.userId || undefined,
    session_id: event?.sessionId || undefined,
    properties: propertiesOf(event),
    context: record(event?.contextJson, event?.context),
    sent_at: instant(stored.sentAt),
    received_at: instant(stored.receivedAt),
    committed_at: instant(stored.committedAt),
    late: late || undefined,
  }
  return JSON.stringify(shown, null, 2)
}

function record(bytes: Uint8Array | undefined, struct: object | undefined): Record<string, unknown> {
  if (!bytes?.length) return { ...struct }
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>
  } catch {
    return {}
  }
}

function instant(timestamp: StoredEvent['sentAt']): string | undefined {
  return timestamp && timestampDate(timestamp).toISOString()
}
