import { expect, test } from 'vitest'
import { brief, readable } from '../../../src/data/model/json'

test('JSON has a line for each field', () => {
  expect(readable('{"a":1,"b":{"__proto__":2}}')).toBe('{\n  "a": 1,\n  "b": {\n    "__proto__": 2\n  }\n}')
})

test('an event is told by its properties', () => {
  expect(brief('{"name":"paid","properties":{"amount":"1"}}')).toBe('{"amount":"1"}')
  expect(brief('{"name":"paid"}')).toBe('{"name":"paid"}')
})

test.each(['', '{', 'null', '\u0000 <b>', '[1'])('what is no event stays as it is: %j', text => {
  expect(brief(text)).toBe(text)
  expect(readable(text)).toBe(text)
})
