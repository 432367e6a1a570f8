/** Follows a stream for as long as somebody looks: opens it again after an interruption, from the last cursor, with growing
 * pauses. Knows nothing of what the messages say; `query-stream.ts` and `dashboard-stream.ts` do. */
import { Code } from '@connectrpc/connect'
import { type Problem, givenUp, problem } from './problem'

/** How a stream stands: `opening` at first, `live` while messages come, `resuming` after an interruption, `ended` when trying
 * again is of no use. */
export type Connection = 'opening' | 'live' | 'resuming' | 'ended'

export type Follower<M> = {
  /** Opens the stream from a cursor, which is empty at first. */
  open: (cursor: string, signal: AbortSignal) => AsyncIterable<M>
  /** Takes a message. */
  take: (message: M) => void
  /** Hears how the stream stands, and why it is not live. */
  say: (connection: Connection, why?: Problem) => void
  /** Ends it all. */
  signal: AbortSignal
}

const FIRST_PAUSE = 250
const LAST_PAUSE = 8_000
/** Servers send a sign of life every 10 s; a stream that is silent for longer is dead without having been told so. */
const SILENCE = 25_000

/** Runs until `signal` is given or the server refuses for good. */
export async function follow<M extends { cursor: string }>(follower: Follower<M>): Promise<void> {
  const { open, take, say, signal } = follower
  let cursor = ''
  let failures = 0
  say('opening')
  while (!signal.aborted) {
    const attempt = new AbortController()
    const stop = () => attempt.abort()
    signal.addEventListener('abort', stop)
    let watchdog = setTimeout(stop, SILENCE)
    let why: Problem | undefined
    try {
      for await (const message of open(cursor, attempt.signal)) {
        clearTimeout(watchdog)
        watchdog = setTimeout(stop, SILENCE)
        failures = 0
        cursor = message.cursor || cursor
        say('live')
        take(message)
      }
    } catch (error) {
      if (!givenUp(error)) why = problem(error)
    } finally {
      clearTimeout(watchdog)
      signal.removeEventListener('abort', stop)
    }
    if (signal.aborted) return
    if (why?.code === Code.OutOfRange) cursor = ''
    else if (why && !why.passing) return say('ended', why)
    say('resuming', why)
    await pause(backoff(failures++), signal)
  }
}

/** How long to wait after so many failures, in milliseconds; with chance, lest all pages come back at once. */
export function backoff(failures: number, chance = Math.random()): number {
  const longest = Math.min(LAST_PAUSE, FIRST_PAUSE * 2 ** failures)
  return longest * (0.5 + chance / 2)
}

/** Waits so long, or until the signal, or until the browser says that the network is back. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      removeEventListener('online', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener('abort', done)
    addEventListener('online', done)
  })
}
