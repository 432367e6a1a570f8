import { expect, test } from 'vitest'
import { begun, done, redone, undone } from '../../src/model/history'

test('what was done is undone and done again', () => {
  const history = done(done(begun('a'), 'b'), 'c')
  expect(undone(history).present).toBe('b')
  expect(undone(undone(history)).present).toBe('a')
  expect(redone(undone(history))).toEqual(history)
})

test('after something else was done there is nothing to do again', () => {
  const history = done(undone(done(begun('a'), 'b')), 'c')
  expect(redone(history)).toBe(history)
  expect(undone(history).present).toBe('a')
})

test('the beginning is as far back as it goes', () => {
  const history = begun('a')
  expect(undone(history)).toBe(history)
})

test('it does not grow for ever', () => {
  let history = begun(0)
  for (let step = 1; step <= 500; step++) history = done(history, step)
  expect(history.past).toHaveLength(100)
})
