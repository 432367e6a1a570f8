import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { EventSchema, EventType } from '../../src/gen/tidemark/v1/event_pb'
import { StoredEventSchema } from '../../src/gen/tidemark/v1/question_pb'
import { idOf, json, propertiesOf, summary } from '../../src/model/event'

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const event = create(EventSchema, {
  eventId: Uint8Array.from({ length: 16 }, (_, place) => place),
  type: EventType.USER_ACTION,
  name: 'commit',
  occurredAt: { seconds: 1_750_000_000n, nanos: 5_000_000 },
  propertiesJson: encode({ author: 'ann', churn: 12, files: ['a'] }),
})

test('an id is shown as a UUID', () => {
  expect(idOf(event)).toBe('00010203-0405-0607-0809-0a0b0c0d0e0f')
  expect(idOf(undefined)).toBe('')
})

test('properties come as JSON or as a structure', () => {
  expect(propertiesOf(event)).toMatchObject({ author: 'ann', churn: 12 })
  expect(propertiesOf(create(EventSchema, { properties: { author: 'bob' } }))).toEqual({ author: 'bob' })
  expect(propertiesOf(create(EventSchema, { propertiesJson: new TextEncoder().encode('{') }))).toEqual({})
})

test('a line of properties ends when it is long enough', () => {
  expect(summary(event)).toBe('author=ann churn=12 files=["a"]')
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, place) => [`key${place}`, 'x'.repeat(20)]))
  expect(summary(create(EventSchema, { propertiesJson: encode(many) })).length).toBeLessThan(200)
})

test('the whole event is JSON that can be read again', () => {
  const whole = JSON.parse(json(create(StoredEventSchema, { event, late: true }))) as object
  expect(whole).toMatchObject({
    name: 'commit',
    type: 'USER_ACTION',
    late: true,
    properties: { author: 'ann' },
  })
  expect(whole).toHaveProperty('occurred_at', '2025-06-15T15:06:40.005Z')
  expect(whole).not.toHaveProperty('user_id')
})
