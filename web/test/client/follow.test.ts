import { Code, ConnectError } from '@connectrpc/connect'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Connection, backoff, follow } from '../../src/client/follow'

type Message = { cursor: string }
type Attempt = (cursor: string, signal: AbortSignal) => AsyncIterable<Message>

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Follows attempts one after the other; gives the cursors they were opened with, what was taken, and how it stood. */
async function followed(...attempts: Attempt[]) {
  const cursors: string[] = []
  const taken: string[] = []
  const stood: Connection[] = []
  const end = new AbortController()
  const done = follow<Message>({
    open: (cursor, signal) => {
      cursors.push(cursor)
      const attempt = attempts.shift()
      if (attempt) return attempt(cursor, signal)
      end.abort()
      return sending()
    },
    take: message => taken.push(message.cursor),
    say: connection => stood.push(connection),
    signal: end.signal,
  })
  await vi.runAllTimersAsync()
  await done
  return { cursors, taken, stood }
}

async function* sending(...cursors: string[]): AsyncIterable<Message> {
  for (const cursor of cursors) yield await Promise.resolve({ cursor })
}

function failing(code: Code, ...cursors: string[]): Attempt {
  return async function* () {
    yield* sending(...cursors)
    throw new ConnectError('no more', code)
  }
}

test('an interrupted stream goes on from its last cursor', async () => {
  const { cursors, taken, stood } = await followed(failing(Code.Unavailable, 'a', 'b'), () => sending('c'))
  expect(cursors).toEqual(['', 'b', 'c'])
  expect(taken).toEqual(['a', 'b', 'c'])
  expect(stood.filter((each, place) => each !== stood[place - 1])).toEqual([
    'opening',
    'live',
    'resuming',
    'live',
    'resuming',
  ])
})

test('what the server refuses for good is not asked again', async () => {
  const { cursors, stood } = await followed(failing(Code.InvalidArgument))
  expect(cursors).toHaveLength(1)
  expect(stood.at(-1)).toBe('ended')
})

test('a cursor that is too old is forgotten', async () => {
  const { cursors } = await followed(failing(Code.OutOfRange, 'a'), () => sending('b'))
  expect(cursors).toEqual(['', '', 'b'])
})

test('a stream that falls silent is opened again', async () => {
  const silent: Attempt = async function* (_cursor, signal) {
    yield { cursor: 'a' }
    await new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(new ConnectError('given up', Code.Canceled))),
    )
  }
  const { cursors } = await followed(silent)
  expect(cursors).toEqual(['', 'a'])
})

test('pauses grow, and have an end', () => {
  const pauses = [0, 1, 2, 3, 20].map(failures => backoff(failures, 1))
  expect(pauses).toEqual([250, 500, 1000, 2000, 8000])
  expect(backoff(0, 0)).toBe(125)
})
