import { equals } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { Display_Kind } from '../../src/gen/tidemark/v1/dashboard_pb'
import { QuerySchema } from '../../src/gen/tidemark/v1/question_pb'
import { KINDS, first, turned } from '../../src/model/question'
import { read, write } from '../../src/model/share'

test.each(KINDS)('a question of kind $kind comes back from its address', ({ kind }) => {
  const query = turned(first(), kind)
  const shared = read(write({ query, display: Display_Kind.AREA }))
  expect(shared && equals(QuerySchema, shared.query, query)).toBe(true)
  expect(shared?.display).toBe(Display_Kind.AREA)
})

test('the usual drawing needs no place in the address', () => {
  const search = write({ query: first(), display: Display_Kind.UNSPECIFIED })
  expect(search).not.toContain('as=')
  expect(read(search)?.display).toBe(Display_Kind.UNSPECIFIED)
})

test.each(['', '?q=', '?q=%%%', '?q=AAAA', '?q=bm90IGEgcXVlc3Rpb24', '?other=1'])(
  '%s holds no question',
  search => {
    expect(read(search)).toBeUndefined()
  },
)

test('a drawing that is not known is the usual one', () => {
  const search = write({ query: first(), display: Display_Kind.BAR }).replace('as=bar', 'as=hologram')
  expect(read(search)?.display).toBe(Display_Kind.UNSPECIFIED)
})
