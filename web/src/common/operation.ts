/** Long work as the page shows it: an operation comes in, how far it is and what has become of it goes out. */
import { anyUnpack } from '@bufbuild/protobuf/wkt'
import type { Operation } from '../gen/google/longrunning/operations_pb'
import { OperationMetadataSchema } from '../gen/tidemark/v1/operation_pb'

export type Progress = {
  name: string
  share: number
  step: string
  done: boolean
  stopping: boolean
  /** Why it failed; empty where it did not. */
  failure: string
}

export function progress({ name, metadata, done, result }: Operation): Progress {
  const known = metadata && anyUnpack(metadata, OperationMetadataSchema)
  return {
    name,
    share: done ? 1 : (known?.progress ?? 0),
    step: known?.step || (known?.startTime ? 'at work' : 'waiting for a free place'),
    done,
    stopping: known?.cancelRequested ?? false,
    failure: result.case === 'error' ? result.value.message || 'It failed without a reason.' : '',
  }
}
