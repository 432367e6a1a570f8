import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { type StoredEvent, StoredEventSchema } from '../../src/gen/tidemark/v1/question_pb'
import { MOST, added, rate, released, replaced, start } from '../../src/model/feed'

function events(...names: string[]): StoredEvent[] {
  return names.map(name => create(StoredEventSchema, { event: { name } }))
}

function names(shown: StoredEvent[]) {
  return shown.map(({ event }) => event?.name)
}

test('new events come first', () => {
  const feed = added(replaced(events('b', 'a')), events('d', 'c'), 0, false, 100)
  expect(names(feed.shown)).toEqual(['d', 'c', 'b', 'a'])
})

test('while paused new events are held back, and shown afterwards', () => {
  let feed = added(replaced(events('a')), events('b'), 0, true, 100)
  feed = added(feed, events('c'), 0, true, 100)
  expect(names(feed.shown)).toEqual(['a'])
  expect(names(released(feed).shown)).toEqual(['c', 'b', 'a'])
  expect(released(feed).held).toEqual([])
})

test('no more than so many are kept', () => {
  const many = events(...Array.from({ length: MOST }, (_, place) => `${place}`))
  expect(added(replaced(many), events('new'), 0, false, 1000).shown).toHaveLength(MOST)
  expect(added(added(start(), many, 0, true, 1000), events('new'), 0, true, 1000).held).toHaveLength(MOST)
})

test('the rate is that of the last ten seconds, without the snapshot', () => {
  let feed = replaced(events('a', 'b', 'c'))
  expect(rate(feed, 0)).toBe(0)
  feed = added(feed, events('d', 'e'), 1_000, false, 100)
  feed = added(feed, events('f'), 5_000, false, 100)
  expect(rate(feed, 6_000)).toBe(0.3)
  expect(rate(feed, 12_000)).toBe(0.1)
  expect(rate(feed, 60_000)).toBe(0)
})

test('a full answer says that there were more', () => {
  expect(added(start(), events('a', 'b'), 0, false, 2).more).toBe(true)
  expect(added(start(), events('a'), 0, false, 2).more).toBe(false)
})
