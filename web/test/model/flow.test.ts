import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { PathsResultSchema } from '../../src/gen/tidemark/v1/question_pb'
import { flow } from '../../src/model/flow'

const result = create(PathsResultSchema, {
  paths: 10n,
  nodes: [
    { step: 0, value: 'start', paths: 10n },
    { step: 1, value: 'a', paths: 6n, ended: 6n },
    { step: 1, value: '', paths: 3n },
    { step: 1, other: true, paths: 1n },
  ],
  links: [
    { from: 0, to: 2, paths: 3n },
    { from: 0, to: 1, paths: 6n },
    { from: 0, to: 3, paths: 1n },
  ],
})

test('boxes of a step stand beneath one another, as high as they have paths, within the drawing', () => {
  const { boxes } = flow(result, 400, 200)
  const [start, a, none, other] = boxes
  expect(a!.height / start!.height).toBeCloseTo(0.6)
  expect(none!.y).toBeGreaterThan(a!.y + a!.height)
  expect(other!.y + other!.height).toBeLessThanOrEqual(200.1)
  expect(boxes.map(({ label }) => label)).toEqual(['start', 'a', '(none)', 'other'])
})

test('ribbons leave a box in the order of where they go', () => {
  const { ribbons } = flow(result, 400, 200)
  expect(ribbons.map(({ to }) => to)).toEqual([1, 2, 3])
  expect(ribbons[0]!.path).toMatch(/^M10\.0,6\.0C/)
})

test('no paths make no drawing', () => {
  expect(flow(create(PathsResultSchema), 400, 200)).toEqual({ boxes: [], ribbons: [] })
})

test('a link to nowhere is left out', () => {
  const broken = create(PathsResultSchema, {
    nodes: [{ step: 0, paths: 1n }],
    links: [{ from: 0, to: 7, paths: 1n }],
  })
  expect(flow(broken, 100, 100).ribbons).toEqual([])
})
