import { Code, ConnectError } from '@connectrpc/connect'
import { expect, test } from 'vitest'
import { givenUp, problem } from '../../src/client/problem'

test('what the server says about a request is a sentence', () => {
  const { text, passing } = problem(new ConnectError('measures: give 1 to 10', Code.InvalidArgument))
  expect(text).toBe('Measures: give 1 to 10.')
  expect(passing).toBe(false)
})

test('a server that cannot be reached may be there later', () => {
  expect(problem(new ConnectError('', Code.Unavailable)).passing).toBe(true)
  expect(problem(new TypeError('Failed to fetch'))).toMatchObject({ code: Code.Unavailable, passing: true })
  const wrapped = new ConnectError(
    'Failed to fetch',
    Code.Unknown,
    undefined,
    undefined,
    new TypeError('Failed to fetch'),
  )
  expect(problem(wrapped).code).toBe(Code.Unavailable)
})

test('nothing said is said so', () => {
  expect(problem(new ConnectError('', Code.Internal)).text).toMatch('did not say what')
})

test('a request that the page gave up is no problem', () => {
  expect(givenUp(new ConnectError('', Code.Canceled))).toBe(true)
  expect(givenUp(new DOMException('stopped', 'AbortError'))).toBe(true)
  expect(givenUp(new ConnectError('', Code.Unavailable))).toBe(false)
})
