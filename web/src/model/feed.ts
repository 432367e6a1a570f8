/** The events that the live page shows: the newest so many, new ones held back while it is paused, and how fast they come. */
import type { StoredEvent } from '../gen/tidemark/v1/question_pb'

export type Feed = {
  /** What is shown, newest first. */
  shown: StoredEvent[]
  /** What came while paused, newest first. */
  held: StoredEvent[]
  /** How many came lately: when, by the reader's clock in milliseconds, and how many. */
  arrivals: { at: number; events: number }[]
  /** Whether an answer was full, so that more may have come than were sent. */
  more: boolean
}

export const MOST = 500
const WINDOW = 10_000

/** A feed that has heard nothing yet. */
export function start(): Feed {
  return { shown: [], held: [], arrivals: [], more: false }
}

/** A snapshot replaces everything and does not count as having arrived. */
export function replaced(events: StoredEvent[]): Feed {
  return { ...start(), shown: events.slice(0, MOST) }
}

/** New events, newest first, of an answer that can hold `page` of them. */
export function added(feed: Feed, events: StoredEvent[], now: number, paused: boolean, page: number): Feed {
  const arrivals = [...recent(feed, now), { at: now, events: events.length }]
  const more = events.length >= page
  if (paused) return { ...feed, held: [...events, ...feed.held].slice(0, MOST), arrivals, more }
  return { ...feed, shown: [...events, ...feed.shown].slice(0, MOST), arrivals, more }
}

/** What was held back is shown. */
export function released(feed: Feed): Feed {
  return { ...feed, shown: [...feed.held, ...feed.shown].slice(0, MOST), held: [] }
}

/** Events per second over the last ten. */
export function rate(feed: Feed, now: number): number {
  return recent(feed, now).reduce((sum, each) => sum + each.events, 0) / (WINDOW / 1000)
}

function recent(feed: Feed, now: number) {
  return feed.arrivals.filter(each => now - each.at < WINDOW)
}
