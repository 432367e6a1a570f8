/** What a reader of a dashboard has chosen, and how the address holds it so that it can be shared. */
import { type DescMessage, type MessageShape, create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { base64Decode, base64Encode } from '@bufbuild/protobuf/wire'
import { type Filter, FilterSchema, type TimeRange, TimeRangeSchema } from '../gen/tidemark/v1/question_pb'

export type View = {
  /** Instead of the dashboard's. */
  range?: TimeRange
  /** Beside the dashboard's. */
  filter?: Filter
  /** Values of variables, by id; those that are missing keep the dashboard's. */
  variables: ReadonlyMap<string, readonly string[]>
  /** Whether everything is compared with the period before. */
  compared: boolean
}

export const PLAIN: View = { variables: new Map(), compared: false }

const VARIABLE = 'var-'

/** The search part of an address; empty when nothing was chosen. */
export function write({ range, filter, variables, compared }: View): string {
  const search = new URLSearchParams()
  if (range) search.set('time', packed(TimeRangeSchema, range))
  if (filter) search.set('where', packed(FilterSchema, filter))
  if (compared) search.set('compare', '1')
  for (const [id, values] of variables) {
    if (values.length === 0) search.append(VARIABLE + id, '')
    for (const value of values) search.append(VARIABLE + id, `=${value}`)
  }
  const text = search.toString()
  return text && `?${text}`
}

/** What the search part of an address holds; what cannot be read is left out. */
export function read(text: string): View {
  const search = new URLSearchParams(text)
  const variables = new Map<string, string[]>()
  for (const [name, value] of search) {
    if (!name.startsWith(VARIABLE)) continue
    const id = name.slice(VARIABLE.length)
    variables.set(id, [...(variables.get(id) ?? []), ...(value ? [value.slice(1)] : [])])
  }
  return {
    range: unpacked(TimeRangeSchema, search.get('time')),
    filter: unpacked(FilterSchema, search.get('where')),
    variables,
    compared: search.get('compare') === '1',
  }
}

function packed<D extends DescMessage>(schema: D, message: MessageShape<D>): string {
  return base64Encode(toBinary(schema, message), 'url')
}

function unpacked<D extends DescMessage>(schema: D, text: string | null): MessageShape<D> | undefined {
  if (!text) return undefined
  try {
    const bytes = base64Decode(text)
    return bytes.length ? fromBinary(schema, bytes) : create(schema)
  } catch {
    return undefined
  }
}
