import { create, toJson } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { type Filter, FilterSchema, Operator } from '../../src/gen/tidemark/v1/question_pb'
import {
  type Condition,
  type Node,
  blank,
  empty,
  finished,
  read,
  scalar,
  size,
  write,
} from '../../src/model/filter'

function condition(field: string, operator: Operator, ...values: string[]): Condition {
  return { kind: 'condition', field, operator, values }
}

function all(...nodes: Node[]) {
  return { ...empty(), nodes }
}

function json(filter: Filter | undefined) {
  return filter && toJson(FilterSchema, filter)
}

describe('writing', () => {
  test('nothing gives no filter', () => {
    expect(write(empty())).toBeUndefined()
    expect(write(all(blank(), empty('any')))).toBeUndefined()
  })

  test('a single condition needs no group', () => {
    expect(json(write(all(condition('user_id', Operator.EQUAL, 'ann'))))).toEqual({
      comparison: { field: 'user_id', operator: 'OPERATOR_EQUAL', values: ['ann'] },
    })
  })

  test('conditions that are not finished are left out', () => {
    const tree = all(condition('name', Operator.EQUAL, 'commit'), blank('properties.size'), blank())
    expect(size(tree)).toBe(1)
    expect(json(write(tree))).toHaveProperty('comparison.field', 'name')
  })

  test('presence needs no value', () => {
    expect(finished(condition('context.ip', Operator.EXISTS))).toBe(true)
    expect(json(write(condition('context.ip', Operator.NOT_EXISTS, 'left over')))).toEqual({
      comparison: { field: 'context.ip', operator: 'OPERATOR_NOT_EXISTS' },
    })
  })

  test('groups within groups keep their joins, and none is not any', () => {
    const tree = all(condition('name', Operator.EQUAL, 'commit'), {
      ...empty('any'),
      negated: true,
      nodes: [condition('properties.a', Operator.EXISTS), condition('properties.b', Operator.EXISTS)],
    })
    expect(json(write(tree))).toMatchObject({
      all: { filters: [{ comparison: {} }, { not: { any: { filters: [{}, {}] } } }] },
    })
  })

  test('people of a cohort can be left out', () => {
    const cohort = 'projects/acme/cohorts/staff'
    expect(json(write(all({ kind: 'people', cohort, negated: true })))).toEqual({ not: { cohort } })
    expect(write(all({ kind: 'people', cohort: '', negated: false }))).toBeUndefined()
  })
})

describe('values', () => {
  test('read as numbers, true and false, or texts, as they look', () => {
    expect(scalar(' 12.5 ').kind).toEqual({ case: 'numberValue', value: 12.5 })
    expect(scalar('true').kind).toEqual({ case: 'boolValue', value: true })
    expect(scalar('12 apples').kind).toEqual({ case: 'stringValue', value: '12 apples' })
    expect(scalar('"12"').kind).toEqual({ case: 'stringValue', value: '12' })
  })

  test('of names, people and tags are always texts', () => {
    for (const field of ['user_id', 'name', 'tags.port'])
      expect(json(write(condition(field, Operator.EQUAL, '42')))).toHaveProperty('comparison.values', ['42'])
    expect(json(write(condition('properties.port', Operator.EQUAL, '42')))).toHaveProperty(
      'comparison.values',
      [42],
    )
  })

  test('of operators on texts are always texts', () => {
    expect(json(write(condition('properties.path', Operator.CONTAINS, '404')))).toHaveProperty(
      'comparison.values',
      ['404'],
    )
  })
})

describe('reading', () => {
  const trees: Record<string, Node> = {
    conditions: all(
      condition('name', Operator.EQUAL, 'a'),
      condition('properties.n', Operator.IN, '1', '"1"', 'x'),
    ),
    groups: all(condition('name', Operator.EQUAL, 'a'), {
      ...empty('any'),
      negated: true,
      nodes: [condition('properties.a', Operator.EXISTS), condition('properties.b', Operator.EXISTS)],
    }),
    people: all({ kind: 'people', cohort: 'projects/p/cohorts/c', negated: true }),
  }

  test.each(Object.keys(trees))('%s come back as they were written', name => {
    expect(read(write(trees[name]!))).toEqual(trees[name])
  })

  test('a condition that is negated becomes a group of none', () => {
    const filter = create(FilterSchema, {
      node: { case: 'not', value: write(condition('name', Operator.EQUAL, 'a'))! },
    })
    expect(read(filter)).toMatchObject({ kind: 'group', negated: true, nodes: [{ field: 'name' }] })
    expect(json(write(read(filter)))).toEqual(json(filter))
  })

  test('what is negated twice is not negated', () => {
    const cohort = 'projects/p/cohorts/c'
    const inner = create(FilterSchema, { node: { case: 'cohort', value: cohort } })
    const once = create(FilterSchema, { node: { case: 'not', value: inner } })
    const twice = create(FilterSchema, { node: { case: 'not', value: once } })
    expect(json(write(read(twice)))).toEqual({ cohort })
  })

  test('a group within one of the same join is taken apart', () => {
    const [a, b, c] = ['a', 'b', 'c'].map(field => condition(`properties.${field}`, Operator.EXISTS))
    const nested = all(all(a!, b!), c!)
    expect(read(write(nested))).toEqual(all(a!, b!, c!))
  })

  test('nothing is an empty group', () => {
    expect(read(undefined)).toEqual(empty())
    expect(read(create(FilterSchema))).toEqual(empty())
  })
})
