/** Conditions as people build them. `read` turns a `Filter` into a tree that may be unfinished while somebody types; `write`
 * turns what is finished back into a `Filter`. */
import { create } from '@bufbuild/protobuf'
import { type Value, ValueSchema } from '@bufbuild/protobuf/wkt'
import { type Comparison, type Filter, FilterSchema, Operator } from '../gen/tidemark/v1/question_pb'

export type Condition = { kind: 'condition'; field: string; operator: Operator; values: string[] }
export type Group = { kind: 'group'; join: 'all' | 'any'; negated: boolean; nodes: Node[] }
export type People = { kind: 'people'; cohort: string; negated: boolean }
export type Node = Condition | Group | People

/** How each operator is called, and how many values it takes. */
export const OPERATORS: { operator: Operator; words: string; takes: 'none' | 'one' | 'many' }[] = [
  { operator: Operator.EQUAL, words: 'is', takes: 'one' },
  { operator: Operator.NOT_EQUAL, words: 'is not', takes: 'one' },
  { operator: Operator.IN, words: 'is one of', takes: 'many' },
  { operator: Operator.NOT_IN, words: 'is none of', takes: 'many' },
  { operator: Operator.CONTAINS, words: 'contains', takes: 'one' },
  { operator: Operator.NOT_CONTAINS, words: 'does not contain', takes: 'one' },
  { operator: Operator.STARTS_WITH, words: 'starts with', takes: 'one' },
  { operator: Operator.ENDS_WITH, words: 'ends with', takes: 'one' },
  { operator: Operator.MATCHES, words: 'matches', takes: 'one' },
  { operator: Operator.NOT_MATCHES, words: 'does not match', takes: 'one' },
  { operator: Operator.LESS, words: '<', takes: 'one' },
  { operator: Operator.LESS_OR_EQUAL, words: '≤', takes: 'one' },
  { operator: Operator.GREATER, words: '>', takes: 'one' },
  { operator: Operator.GREATER_OR_EQUAL, words: '≥', takes: 'one' },
  { operator: Operator.EXISTS, words: 'is set', takes: 'none' },
  { operator: Operator.NOT_EXISTS, words: 'is not set', takes: 'none' },
]

/** How many values an operator takes. */
export function takes(operator: Operator): 'none' | 'one' | 'many' {
  return OPERATORS.find(each => each.operator === operator)?.takes ?? 'one'
}

/** How an operator is called. */
export function words(operator: Operator): string {
  return OPERATORS.find(each => each.operator === operator)?.words ?? 'is'
}

/** An empty group, with which everything begins. */
export function empty(join: 'all' | 'any' = 'all'): Group {
  return { kind: 'group', join, negated: false, nodes: [] }
}

/** A condition that nobody has filled in yet. */
export function blank(field = ''): Condition {
  return { kind: 'condition', field, operator: Operator.EQUAL, values: [] }
}

/** The tree of a filter; its root is always a group. */
export function read(filter: Filter | undefined): Group {
  const node = filter && nodeOf(filter)
  if (!node) return empty()
  return node.kind === 'group' ? node : { ...empty(), nodes: [node] }
}

/** The filter of a tree, without what is not finished; undefined when nothing is left. */
export function write(node: Node): Filter | undefined {
  const written = plain(node)
  return written && node.kind !== 'condition' && node.negated
    ? create(FilterSchema, { node: { case: 'not', value: written } })
    : written
}

/** Whether nothing is missing from a condition. */
export function finished({ field, operator, values }: Condition): boolean {
  if (!field.trim()) return false
  const filled = values.filter(value => value.trim() !== '').length
  return takes(operator) === 'none' || filled > 0
}

/** How many finished conditions a tree holds. */
export function size(node: Node): number {
  if (node.kind === 'group') return node.nodes.reduce((sum, each) => sum + size(each), 0)
  return node.kind === 'people' ? Number(!!node.cohort) : Number(finished(node))
}

function nodeOf({ node }: Filter): Node | undefined {
  switch (node.case) {
    case 'comparison':
      return { kind: 'condition', ...spelled(node.value) }
    case 'all':
    case 'any': {
      const nodes = node.value.filters.map(nodeOf).filter(each => each !== undefined)
      // A group within a group of the same join says nothing more.
      const inner = (each: Node) =>
        each.kind === 'group' && each.join === node.case && !each.negated ? each.nodes : [each]
      return { ...empty(node.case), nodes: nodes.flatMap(inner) }
    }
    case 'cohort':
      return { kind: 'people', cohort: node.value, negated: false }
    case 'not': {
      const inner = nodeOf(node.value)
      if (inner?.kind === 'people' || (inner?.kind === 'group' && !inner.negated))
        return { ...inner, negated: !inner.negated }
      return inner && { ...empty(), negated: true, nodes: [inner] }
    }
    case undefined:
      return undefined
  }
}

function plain(node: Node): Filter | undefined {
  if (node.kind === 'people')
    return node.cohort ? create(FilterSchema, { node: { case: 'cohort', value: node.cohort } }) : undefined
  if (node.kind === 'condition') return finished(node) ? comparison(node) : undefined
  const filters = node.nodes.map(write).filter(each => each !== undefined)
  if (filters.length < 2) return filters[0]
  return create(FilterSchema, { node: { case: node.join, value: { filters } } })
}

function comparison({ field, operator, values }: Condition): Filter {
  const many = takes(operator) === 'many'
  const written = takes(operator) === 'none' ? [] : values.filter(value => value.trim() !== '')
  const read = NUMBERS.has(operator) ? scalar : TEXTS.has(operator) || typed(field) ? text : scalar
  const value = { field: field.trim(), operator, values: (many ? written : written.slice(0, 1)).map(read) }
  return create(FilterSchema, { node: { case: 'comparison', value } })
}

const NUMBERS = new Set([Operator.LESS, Operator.LESS_OR_EQUAL, Operator.GREATER, Operator.GREATER_OR_EQUAL])
const TEXTS = new Set([
  Operator.CONTAINS,
  Operator.NOT_CONTAINS,
  Operator.STARTS_WITH,
  Operator.ENDS_WITH,
  Operator.MATCHES,
  Operator.NOT_MATCHES,
])

/** Whether the values of a field are always texts. */
function typed(field: string): boolean {
  return /^(name|type|user_id|session_id|kind|unit|tags\..*)$/.test(field.trim())
}

/** A value as it was typed: a number, true or false where it reads as one, else a text; quotes make it a text. */
export function scalar(typed: string): Value {
  const trimmed = typed.trim()
  if (trimmed === 'true' || trimmed === 'false')
    return create(ValueSchema, { kind: { case: 'boolValue', value: trimmed === 'true' } })
  if (/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed))
    return create(ValueSchema, { kind: { case: 'numberValue', value: Number(trimmed) } })
  return text(/^".*"$/s.test(trimmed) ? trimmed.slice(1, -1) : typed)
}

function text(value: string): Value {
  return create(ValueSchema, { kind: { case: 'stringValue', value } })
}

/** A comparison with its values as they would be typed. */
function spelled({ field, operator, values }: Comparison) {
  const always = typed(field) || TEXTS.has(operator)
  const spell = ({ kind }: Value) => {
    if (kind.case === 'numberValue' || kind.case === 'boolValue') return String(kind.value)
    if (kind.case !== 'stringValue') return ''
    return always || scalar(kind.value).kind.case === 'stringValue' ? kind.value : `"${kind.value}"`
  }
  return { field, operator, values: values.map(spell) }
}
