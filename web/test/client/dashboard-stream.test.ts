import { create } from '@bufbuild/protobuf'
import { Code } from '@connectrpc/connect'
import { expect, test } from 'vitest'
import { answered } from '../../src/client/dashboard-stream'
import { TileAnswerSchema } from '../../src/gen/tidemark/v1/dashboard_pb'
import { WatchQueryResponse_Kind as Kind } from '../../src/gen/tidemark/v1/query_pb'

const about = { standing: 'live', sent: 5, watermark: 4 } as const

const snapshot = create(TileAnswerSchema, {
  tileId: 'a',
  answer: { kind: Kind.SNAPSHOT, result: { case: 'table', value: {} } },
})

test('an answer is kept with what the message says of all', () => {
  const state = answered(undefined, snapshot, about)
  expect(state.answer?.result.case).toBe('table')
  expect(state).toMatchObject(about)
})

test('an error comes as a sentence and leaves the last answer', () => {
  const known = answered(undefined, snapshot, about)
  const failed = create(TileAnswerSchema, {
    tileId: 'a',
    error: { code: Code.NotFound, message: 'there is no cohort x' },
  })
  const state = answered(known, failed, about)
  expect(state.error?.text).toBe('There is no cohort x.')
  expect(state.answer).toBe(known.answer)
})

test('the next answer ends the error', () => {
  const known = { ...answered(undefined, snapshot, about), error: { text: 'Gone.' } }
  expect(answered(known, snapshot, about).error).toBeUndefined()
})
