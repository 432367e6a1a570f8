import { create } from '@bufbuild/protobuf'
import { anyPack, timestampFromMs } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { OperationSchema } from '../../src/gen/google/longrunning/operations_pb'
import { OperationMetadataSchema } from '../../src/gen/tidemark/v1/operation_pb'
import { progress } from '../../src/common/operation'

const operation = (fields: object, rest: object = {}) =>
  create(OperationSchema, {
    name: 'projects/demo/operations/1',
    metadata: anyPack(OperationMetadataSchema, create(OperationMetadataSchema, fields)),
    ...rest,
  })

test('work says how far it is and what it does', () => {
  const now = progress(operation({ progress: 0.4, step: 'reading', startTime: timestampFromMs(1) }))
  expect(now).toMatchObject({ share: 0.4, step: 'reading', done: false, stopping: false, failure: '' })
})

test('work that nobody has begun waits', () => {
  expect(progress(operation({})).step).toBe('waiting for a free place')
  expect(progress(create(OperationSchema)).share).toBe(0)
})

test('what has failed says why', () => {
  const result = { case: 'error' as const, value: { code: 9, message: 'One class only' } }
  expect(progress(operation({ cancelRequested: true }, { done: true, result }))).toMatchObject({
    done: true,
    share: 1,
    stopping: true,
    failure: 'One class only',
  })
})
