/** One question, answered and kept up to date: the whole answer goes out after every message. */
import type { Query } from '../gen/tidemark/v1/question_pb'
import { type WatchQueryResponse, WatchQueryResponse_Kind as Kind } from '../gen/tidemark/v1/query_pb'
import { type Answer, applied } from '../model/answer'
import { type Connection, follow } from './follow'
import type { Problem } from './problem'
import { queries } from './transport'

export type Watching = {
  project: string
  query: Query
  /** Hears the answer, and whether its figures have changed. */
  take: (answer: Answer, changed: boolean) => void
  say: (connection: Connection, why?: Problem) => void
  signal: AbortSignal
}

/** Watches a question until the signal. */
export function watch({ project, query, take, say, signal }: Watching): Promise<void> {
  let kept: Answer | undefined
  return follow<WatchQueryResponse>({
    open: (cursor, signal) => queries.watchQuery({ project, query, cursor }, { signal }),
    take: message => {
      kept = applied(kept, message)
      if (kept) take(kept, message.kind !== Kind.HEARTBEAT)
    },
    say,
    signal,
  })
}
