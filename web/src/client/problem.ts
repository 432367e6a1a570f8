/** What went wrong, as a sentence for people. Every error of a server comes through `problem` before it is shown. */
import { Code, ConnectError } from '@connectrpc/connect'

export type Problem = {
  code: Code
  /** What to tell people. */
  text: string
  /** Whether the same request may succeed a little later. */
  passing: boolean
}

const WORDS: Partial<Record<Code, string>> = {
  [Code.Unauthenticated]: 'You are signed out. Sign in again.',
  [Code.Unavailable]: 'The server cannot be reached. It is tried again.',
  [Code.DeadlineExceeded]: 'The question took too long. Ask for a shorter time or fewer groups.',
  [Code.ResourceExhausted]: 'Too much is asked at once. It is tried again.',
  [Code.Unimplemented]: 'This server is too old for this page: it cannot do that yet.',
}

const PASSING = new Set([Code.Unavailable, Code.ResourceExhausted, Code.DeadlineExceeded, Code.Aborted])

/** Tells what an error means. What the server says about a request at fault is shown as it is. */
export function problem(error: unknown): Problem {
  const failure = ConnectError.from(error)
  // Where the browser itself could not fetch, no server has said anything.
  const reached = !(failure.cause instanceof TypeError) && !(error instanceof TypeError)
  const code = reached ? failure.code : Code.Unavailable
  return { code, text: WORDS[code] ?? sentence(failure.rawMessage), passing: PASSING.has(code) }
}

/** A problem that this page has found by itself. */
export function refusal(text: string): Problem {
  return { code: Code.InvalidArgument, text, passing: false }
}

/** Whether an error is nothing but the end of a request that the page itself gave up. */
export function givenUp(error: unknown): boolean {
  return ConnectError.from(error).code === Code.Canceled
}

function sentence(text: string): string {
  const said = text.trim()
  if (!said) return 'Something went wrong, and the server did not say what.'
  const begun = said.charAt(0).toUpperCase() + said.slice(1)
  return /[.!?]$/.test(begun) ? begun : `${begun}.`
}
