import { expect, test } from 'vitest'
import { same } from '../../src/model/condition'
import { last } from '../../src/model/range'
import { PLAIN, read, write } from '../../src/model/view'

test('nothing chosen leaves the address alone', () => {
  expect(write(PLAIN)).toBe('')
  expect(read('')).toEqual(PLAIN)
})

test('what was chosen is found again', () => {
  const view = {
    range: last(3600),
    filter: same('properties.url', '/a?b=c&d'),
    variables: new Map([
      ['country', ['DE', '']],
      ['plan', []],
    ]),
    compared: true,
  }
  expect(read(write(view))).toEqual(view)
})

test('what cannot be read is left out', () => {
  expect(read('?time=%%%&where=!!!&compare=2')).toEqual(PLAIN)
})
