import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import {
  GetLedgerResponseSchema,
  GetPlatformAnalyticsResponseSchema,
} from '../../src/gen/tidemark/v1/query_pb'
import { judge } from '../../src/model/health'

const NOW = 1_750_000_000_000

function judged({ balanced = true, deadLettered = 0n, seconds = 2, writer = 'w1', backlogEvents = 0n } = {}) {
  const ledger = create(GetLedgerResponseSchema, {
    balanced,
    total: { received: 1000n, stored: 1000n, deadLettered },
  })
  const platform = create(GetPlatformAnalyticsResponseSchema, {
    processing: {
      partitions: [
        { partition: 0, writer: 'w0', watermark: timestampFromMs(NOW - 1000) },
        { partition: 1, writer, backlogEvents, watermark: timestampFromMs(NOW - seconds * 1000) },
      ],
    },
  })
  return judge(ledger, platform, NOW)
}

test('all is well when everything is accounted for', () => {
  expect(judged().overall.tone).toBe('good')
})

test('the watermark is that of the partition furthest behind', () => {
  expect(judged({ seconds: 30 }).watermark).toMatchObject({ tone: 'good', figure: '30 s behind' })
  expect(judged({ seconds: 300, backlogEvents: 1n }).overall.tone).toBe('warn')
  expect(judged({ seconds: 7200, backlogEvents: 1n }).watermark.tone).toBe('bad')
})

test('a watermark that stands still because nothing comes is no alarm', () => {
  expect(judged({ seconds: 7200 }).watermark.tone).toBe('good')
})

test('without events there is no watermark, and no alarm', () => {
  const { watermark, overall } = judge(
    create(GetLedgerResponseSchema, { balanced: true }),
    create(GetPlatformAnalyticsResponseSchema),
    NOW,
  )
  expect(watermark.tone).toBe('')
  expect(overall.tone).toBe('good')
})

test('a ledger that does not balance is the worst', () => {
  const { overall, ledger } = judged({ balanced: false, deadLettered: 3n })
  expect(ledger.tone).toBe('bad')
  expect(overall).toMatchObject({ tone: 'bad', words: ledger.words })
})

test('dead letters, missing writers and a long backlog are told', () => {
  expect(judged({ deadLettered: 3n }).deadLetters).toMatchObject({ tone: 'warn', figure: '3' })
  expect(judged({ writer: '' }).lag).toMatchObject({ tone: 'bad' })
  expect(judged({ backlogEvents: 200_000n }).lag).toMatchObject({ tone: 'warn' })
})
