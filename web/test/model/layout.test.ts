import { describe, expect, test } from 'vitest'
import {
  COLUMNS,
  type Place,
  TALLEST,
  compact,
  depth,
  moved,
  normal,
  overlap,
  reading,
  resized,
  room,
} from '../../src/model/layout'
import { below, random } from './random'

function place(id: string, x: number, y: number, width: number, height: number): Place {
  return { id, x, y, width, height }
}

function some(chance: () => number): Place[] {
  return Array.from({ length: 1 + below(chance, 12) }, (_, at) =>
    place(`t${at}`, below(chance, 14) - 1, below(chance, 20), below(chance, 14), below(chance, 8)),
  )
}

/** What holds for every layout that people see. */
function sound(places: Place[]) {
  for (const each of places) {
    expect(each.x).toBeGreaterThanOrEqual(0)
    expect(each.y).toBeGreaterThanOrEqual(0)
    expect(each.x + each.width).toBeLessThanOrEqual(COLUMNS)
    expect(each.height).toBeGreaterThanOrEqual(1)
    expect(each.height).toBeLessThanOrEqual(TALLEST)
    for (const other of places) expect(each.id !== other.id && overlap(each, other)).toBe(false)
    const higher = { ...each, y: each.y - 1 }
    const free = each.y > 0 && !places.some(other => other.id !== each.id && overlap(other, higher))
    expect(free, `${each.id} could rise`).toBe(false)
  }
}

describe('whatever the places', () => {
  test('compacting leaves none over another and none that could rise', () => {
    const chance = random(2)
    for (let round = 0; round < 200; round++) {
      const places = some(chance)
      const found = compact(places)
      sound(found)
      expect(found.map(({ id }) => id)).toEqual(places.map(({ id }) => id))
      expect(compact(found)).toEqual(found)
    }
  })

  test('moving keeps the layout sound and the size of everything', () => {
    const chance = random(3)
    for (let round = 0; round < 200; round++) {
      const before = compact(some(chance))
      const target = before[below(chance, before.length)]!
      const after = moved(before, target.id, below(chance, 16) - 2, below(chance, 30) - 2)
      sound(after)
      const sizes = (places: Place[]) => places.map(({ id, width, height }) => [id, width, height])
      expect(sizes(after)).toEqual(sizes(before))
    }
  })

  test('resizing keeps the layout sound and gives the size asked for', () => {
    const chance = random(4)
    for (let round = 0; round < 200; round++) {
      const before = compact(some(chance))
      const target = before[below(chance, before.length)]!
      const [width, height] = [below(chance, 15), below(chance, 25)]
      const after = resized(before, target.id, width, height)
      sound(after)
      const found = after.find(({ id }) => id === target.id)!
      expect(found.width).toBe(Math.min(COLUMNS, Math.max(1, width)))
      expect(found.height).toBe(Math.min(TALLEST, Math.max(1, height)))
    }
  })

  test('a new tile has room where it is put', () => {
    const chance = random(5)
    for (let round = 0; round < 200; round++) {
      const places = compact(some(chance))
      const [width, height] = [1 + below(chance, 12), 1 + below(chance, 8)]
      const spot = place('new', room(places, width, height).x, room(places, width, height).y, width, height)
      expect(places.some(each => overlap(each, spot))).toBe(false)
      sound(compact([...places, spot]))
    }
  })
})

test('a size of 0 is the usual one', () => {
  expect(normal(place('a', 0, 0, 0, 0))).toEqual(place('a', 0, 0, 6, 4))
})

test('a tile that is moved past its neighbour changes places with it', () => {
  const before = [place('a', 0, 0, 6, 4), place('b', 0, 4, 6, 4)]
  expect(moved(before, 'a', 0, 4)).toEqual([place('a', 0, 4, 6, 4), place('b', 0, 0, 6, 4)])
})

test('a tile that comes over another pushes it down', () => {
  const before = [place('a', 0, 0, 6, 4), place('b', 6, 0, 6, 4)]
  expect(moved(before, 'a', 4, 0)).toEqual([place('a', 4, 0, 6, 4), place('b', 6, 4, 6, 4)])
})

test('an unknown tile moves nothing', () => {
  const before = [place('a', 0, 0, 6, 4)]
  expect(moved(before, 'z', 4, 0)).toEqual(before)
})

test('a gap beside a tall tile is room', () => {
  const places = [place('a', 0, 0, 6, 8), place('b', 6, 0, 6, 4)]
  expect(room(places, 6, 4)).toEqual({ x: 6, y: 4 })
  expect(room(places, 12, 2)).toEqual({ x: 0, y: 8 })
  expect(depth(places)).toBe(8)
})

test('people read from the top, then from the left', () => {
  const places = [place('c', 0, 4, 3, 3), place('b', 6, 0, 3, 3), place('a', 0, 0, 3, 3)]
  expect(reading(places).map(({ id }) => id)).toEqual(['a', 'b', 'c'])
})
