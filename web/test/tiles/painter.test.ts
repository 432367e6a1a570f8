import { expect, test } from 'vitest'
import type { TileState } from '../../src/model/tile'
import { Painter } from '../../src/tiles/painter'
import type { TileElement } from '../../src/tiles/tile'

/** A tile that counts how often it is drawn, and how long that takes. */
function tile(milliseconds = 0) {
  const states: TileState[] = []
  const element = {
    set state(state: TileState) {
      states.push(state)
      const until = performance.now() + milliseconds
      while (performance.now() < until);
    },
    updateComplete: Promise.resolve(true),
  }
  return { element: element as unknown as TileElement, states }
}

const frame = () => new Promise(resolve => requestAnimationFrame(resolve))

test('of many states in one frame only the newest is drawn', async () => {
  const { element, states } = tile()
  const painter = new Painter(() => element)
  for (let sent = 1; sent <= 5; sent++) painter.put('a', { standing: 'live', sent })
  await frame()
  await frame()
  expect(states).toEqual([{ standing: 'live', sent: 5 }])
})

test('what does not fit into a frame is drawn in those that follow', async () => {
  const tiles = new Map(Array.from({ length: 12 }, (_, at) => [`t${at}`, tile(5)]))
  const painter = new Painter(id => tiles.get(id)!.element)
  const done = () => [...tiles.values()].filter(({ states }) => states.length > 0).length
  for (const id of tiles.keys()) painter.put(id, { standing: 'live' })
  await frame()
  await frame()
  expect(done()).toBeGreaterThan(0)
  expect(done()).toBeLessThan(12)
  for (let frames = 0; frames < 40 && done() < 12; frames++) await frame()
  expect(done()).toBe(12)
})

test('a tile that is not there holds nobody up', async () => {
  const { element, states } = tile()
  const painter = new Painter(id => (id === 'here' ? element : undefined))
  painter.put('gone', { standing: 'live' })
  painter.put('here', { standing: 'live' })
  await frame()
  await frame()
  expect(states).toHaveLength(1)
})
