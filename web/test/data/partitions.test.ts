import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { standing } from '../../src/data/partitions'
import { PartitionAnalyticsSchema } from '../../src/gen/tidemark/v1/query_pb'

test.each([
  ['up to date', { writer: 'a' }],
  ['behind', { writer: 'a', lag: { seconds: 6n } }],
  ['no writer', { writer: '' }],
  ['paused', { writer: 'a', lag: { seconds: 6n }, pausedBecause: '60 of 100' }],
])('a partition is %s', (words, partition) => {
  expect(standing(create(PartitionAnalyticsSchema, partition)).words).toBe(words)
})
