/** One stream for all tiles of a dashboard: messages come in, the state of each tile goes out to whoever draws it. */
import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { ConnectError } from '@connectrpc/connect'
import type {
  TileAnswer,
  WatchDashboardRequestSchema,
  WatchDashboardResponse,
} from '../gen/tidemark/v1/dashboard_pb'
import { applied } from '../model/answer'
import type { TileState } from '../model/tile'
import { type Connection, follow } from './follow'
import { type Problem, problem } from './problem'
import { dashboards } from './transport'

/** So often, in milliseconds, tiles that have not changed hear how fresh they are. */
const QUIET = 2_000

export type Board = {
  request: MessageInitShape<typeof WatchDashboardRequestSchema>
  /** What is known of each tile; kept up to date here, and by whoever opens another stream for the same tiles. */
  states: Map<string, TileState>
  /** Hears the new state of a tile. */
  take: (id: string, state: TileState) => void
  /** Hears how the stream stands. */
  say: (connection: Connection, why?: Problem) => void
  /** Hears which version of the dashboard is answered. */
  version?: (etag: string) => void
  signal: AbortSignal
}

/** Watches a dashboard until the signal. */
export function watch(board: Board): Promise<void> {
  const { request, states, take, say, signal } = board
  let spread = 0
  const set = (id: string, state: TileState) => {
    states.set(id, state)
    take(id, state)
  }
  return follow<WatchDashboardResponse>({
    open: (cursor, signal) => dashboards.watchDashboard({ ...request, cursor }, { signal }),
    take: message => {
      const about = aboutOf(message)
      for (const tile of message.tiles) set(tile.tileId, answered(states.get(tile.tileId), tile, about))
      if (message.etag) board.version?.(message.etag)
      const now = performance.now()
      if (now - spread < QUIET) return
      spread = now
      const fresh = new Set(message.tiles.map(({ tileId }) => tileId))
      for (const [id, state] of states) if (!fresh.has(id)) set(id, { ...state, ...about })
    },
    say: (connection, why) => {
      for (const [id, state] of states)
        if (state.standing !== connection) set(id, { ...state, standing: connection })
      say(connection, why)
    },
    signal,
  })
}

type About = Pick<TileState, 'standing' | 'sent' | 'watermark'>

/** What a message says of all tiles, also of those that it does not name: these have not changed. */
function aboutOf({ sentAt, watermark }: WatchDashboardResponse): About {
  return {
    standing: 'live',
    sent: sentAt && timestampMs(sentAt),
    watermark: watermark && timestampMs(watermark),
  }
}

/** The state of a tile after its part of a message. */
export function answered(
  known: TileState | undefined,
  { answer, error }: TileAnswer,
  about: About,
): TileState {
  return {
    ...about,
    answer: answer ? applied(known?.answer, answer) : known?.answer,
    error: error && { text: problem(new ConnectError(error.message, error.code)).text },
  }
}
