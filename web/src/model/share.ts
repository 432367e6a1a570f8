/** A question as a part of an address, so that it can be shared and found again. */
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { base64Decode, base64Encode } from '@bufbuild/protobuf/wire'
import { Display_Kind } from '../gen/tidemark/v1/dashboard_pb'
import { type Query, QuerySchema } from '../gen/tidemark/v1/question_pb'

export type Shared = { query: Query; display: Display_Kind }

/** The search part of the address, as in `?q=…&as=bar`. */
export function write({ query, display }: Shared): string {
  const search = new URLSearchParams({ q: base64Encode(toBinary(QuerySchema, query), 'url') })
  if (display) search.set('as', Display_Kind[display].toLowerCase())
  return `?${search}`
}

/** What the search part of an address holds; undefined where it holds no question that can be read. */
export function read(search: string): Shared | undefined {
  const given = new URLSearchParams(search)
  const q = given.get('q')
  if (!q) return undefined
  try {
    const query = fromBinary(QuerySchema, base64Decode(q))
    const as = (given.get('as') ?? '').toUpperCase() as keyof typeof Display_Kind
    return query.question.case ? { query, display: Display_Kind[as] ?? Display_Kind.UNSPECIFIED } : undefined
  } catch {
    return undefined
  }
}
