/** Conditions as code makes them: equal to a value, all of several, with the values of a dashboard's variables put in. */
import { create } from '@bufbuild/protobuf'
import { type Value, ValueSchema } from '@bufbuild/protobuf/wkt'
import { type Comparison, type Filter, FilterSchema, Operator } from '../gen/tidemark/v1/question_pb'

/** A field is this value; an empty one stands for a value that is missing. A group tells its values as texts only, so where the
 * text reads as a number or as true or false, that will do as well. */
export function same(field: string, value: string): Filter {
  if (value === '') return compared(field, Operator.NOT_EXISTS, [])
  const values = [text(value)]
  if (/^-?(0|[1-9]\d*)(\.\d+)?$/.test(value))
    values.push(create(ValueSchema, { kind: { case: 'numberValue', value: Number(value) } }))
  if (value === 'true' || value === 'false')
    values.push(create(ValueSchema, { kind: { case: 'boolValue', value: value === 'true' } }))
  return values.length > 1 && /^(properties|context)\./.test(field)
    ? compared(field, Operator.IN, values)
    : compared(field, Operator.EQUAL, values.slice(0, 1))
}

/** All of these conditions; undefined for none. */
export function every(filters: readonly (Filter | undefined)[]): Filter | undefined {
  const given = filters.filter(filter => filter?.node.case !== undefined) as Filter[]
  return given.length > 1
    ? create(FilterSchema, { node: { case: 'all', value: { filters: given } } })
    : given[0]
}

/** A filter in which `$id` stands for nothing any more: the values chosen are put in, and a comparison with a variable that has
 * none is left out. */
export function substituted(
  filter: Filter | undefined,
  variables: ReadonlyMap<string, readonly string[]>,
): Filter | undefined {
  if (!filter) return undefined
  const { node } = filter
  switch (node.case) {
    case 'comparison':
      return replaced(node.value, variables)
    case 'all':
    case 'any': {
      const filters = node.value.filters.flatMap(each => substituted(each, variables) ?? [])
      return filters.length
        ? create(FilterSchema, { node: { case: node.case, value: { filters } } })
        : undefined
    }
    case 'not': {
      const inner = substituted(node.value, variables)
      return inner && create(FilterSchema, { node: { case: 'not', value: inner } })
    }
    default:
      return filter
  }
}

function replaced(
  comparison: Comparison,
  variables: ReadonlyMap<string, readonly string[]>,
): Filter | undefined {
  const { field, operator, values } = comparison
  const chosen = (value: Value) =>
    value.kind.case === 'stringValue' && value.kind.value.startsWith('$')
      ? variables.get(value.kind.value.slice(1))
      : undefined
  if (!values.some(chosen)) return create(FilterSchema, { node: { case: 'comparison', value: comparison } })
  const all = values.flatMap(value => chosen(value)?.map(text) ?? [value])
  if (all.length === 0) return undefined
  const many = MANY[operator]
  if (many) return compared(field, all.length > 1 ? many : operator, all)
  const each = all.map(value => compared(field, operator, [value]))
  const join = NEGATED.has(operator) ? 'all' : 'any'
  return each.length > 1 ? create(FilterSchema, { node: { case: join, value: { filters: each } } }) : each[0]
}

const MANY: Partial<Record<Operator, Operator>> = {
  [Operator.EQUAL]: Operator.IN,
  [Operator.IN]: Operator.IN,
  [Operator.NOT_EQUAL]: Operator.NOT_IN,
  [Operator.NOT_IN]: Operator.NOT_IN,
}
const NEGATED = new Set([Operator.NOT_CONTAINS, Operator.NOT_MATCHES])

function compared(field: string, operator: Operator, values: Value[]): Filter {
  return create(FilterSchema, { node: { case: 'comparison', value: { field, operator, values } } })
}

function text(value: string): Value {
  return create(ValueSchema, { kind: { case: 'stringValue', value } })
}
