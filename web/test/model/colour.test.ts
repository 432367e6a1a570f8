import { expect, test } from 'vitest'
import { assigned, tokenOf } from '../../src/model/colour'

const keys = (...names: string[]) => names.map(key => ({ key, other: key === 'other' }))

test('categories take colours in order, the rest its own', () => {
  expect([...assigned(new Map(), keys('a', 'b', 'other'))]).toEqual([
    ['other', 0],
    ['a', 1],
    ['b', 2],
  ])
})

test('a category keeps its colour when the order changes', () => {
  const before = assigned(new Map(), keys('a', 'b', 'c'))
  const after = assigned(before, keys('c', 'a', 'd'))
  expect(after.get('c')).toBe(3)
  expect(after.get('a')).toBe(1)
  expect(after.get('d')).toBe(2)
})

test('after the eighth colour they begin anew', () => {
  expect(tokenOf(0)).toBe('--c-other')
  expect(tokenOf(8)).toBe('--c8')
  expect(tokenOf(9)).toBe('--c1')
})
