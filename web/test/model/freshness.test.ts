import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { DataSource, QueryMetadataSchema } from '../../src/gen/tidemark/v1/question_pb'
import { type Standing, freshness } from '../../src/model/freshness'

const NOW = Date.UTC(2026, 0, 2)
const SECOND = 1_000
const exact = (ms: number) => `#${(ms - NOW) / SECOND}`

function metadata(watermark: number | undefined, { completeness = 1, end = NOW } = {}) {
  return create(QueryMetadataSchema, {
    watermark: watermark === undefined ? undefined : timestampFromMs(watermark),
    completeness,
    source: DataSource.ROLLUP,
    answeredAt: timestampFromMs(NOW),
    timeRange: { start: timestampFromMs(0), end: timestampFromMs(end) },
    notes: ['the window of 12 % of the people has not ended yet'],
  })
}

function words(lag: number, standing: Standing = 'live', heard?: number) {
  return freshness(metadata(NOW - lag), { standing, sent: NOW, watermark: heard }, exact).words
}

test('a live answer tells how far it is behind now', () => {
  expect(words(120)).toBe('live · 120 ms')
  expect(words(0)).toBe('live')
})

test('one that is far behind and lacks something says so', () => {
  const answer = metadata(NOW - 125 * SECOND, { completeness: 0.999 })
  expect(freshness(answer, { standing: 'live', sent: NOW }, exact).words).toBe('behind by 2 min')
})

test('one whose watermark stands still, but that lacks nothing, is live', () => {
  expect(words(125 * SECOND)).toBe('live')
})

test('an answer that has not changed is as fresh as the stream', () => {
  expect(words(125 * SECOND, 'live', NOW - 100)).toBe('live · 100 ms')
})

test('a stream that was cut is told before anything else', () => {
  expect(words(0, 'resuming')).toBe('reconnecting…')
  expect(words(0, 'ended')).toBe('not updated')
})

test('the past does not grow old', () => {
  const past = metadata(NOW, { end: NOW - 86_400 * SECOND })
  expect(freshness(past, { standing: 'live', sent: NOW + 3_600 * SECOND }, exact).words).toBe('live')
})

test('what is missing is told', () => {
  expect(
    freshness(metadata(NOW, { completeness: 0.9 }), { standing: 'live', sent: NOW }, exact).words,
  ).toMatch(/^90.*complete$/)
  expect(freshness(metadata(undefined), { standing: 'live' }, exact).words).toBe('nothing received')
  expect(freshness(undefined, { standing: 'opening' }, exact).words).toBe('loading…')
  expect(freshness(undefined, { standing: 'live', error: {} }, exact).tone).toBe('bad')
})

test('the details name the source, the watermark and every note', () => {
  const { detail } = freshness(metadata(NOW - 5 * SECOND), { standing: 'live', sent: NOW }, exact)
  expect(detail).toContain('Complete up to #-5.')
  expect(detail).toContain('Read from rollups.')
  expect(detail).toContain('The window of 12 % of the people has not ended yet.')
})
