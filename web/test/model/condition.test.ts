import { create, toJson } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { type Filter, FilterSchema, Operator } from '../../src/gen/tidemark/v1/question_pb'
import { every, same, substituted } from '../../src/model/condition'

const json = (filter: Filter | undefined) => filter && toJson(FilterSchema, filter)

function comparison(operator: Operator, ...values: string[]): Filter {
  const written = values.map(value => ({ kind: { case: 'stringValue', value } as const }))
  return create(FilterSchema, {
    node: { case: 'comparison', value: { field: 'properties.country', operator, values: written } },
  })
}

const chosen = (...values: string[]) => new Map([['country', values]])

test('an empty value stands for one that is missing', () => {
  expect(json(same('user_id', ''))).toEqual({
    comparison: { field: 'user_id', operator: 'OPERATOR_NOT_EXISTS' },
  })
})

test('a property that reads as a number may be one', () => {
  expect(json(same('properties.code', '404'))).toEqual({
    comparison: { field: 'properties.code', operator: 'OPERATOR_IN', values: ['404', 404] },
  })
  expect(json(same('user_id', '404'))).toEqual({
    comparison: { field: 'user_id', operator: 'OPERATOR_EQUAL', values: ['404'] },
  })
})

test('nothing joins to nothing, one to itself', () => {
  const one = same('name', 'commit')
  expect(every([undefined, create(FilterSchema)])).toBeUndefined()
  expect(every([undefined, one])).toBe(one)
  expect(every([one, one])?.node.case).toBe('all')
})

describe('variables', () => {
  test('are replaced by what is chosen', () => {
    expect(json(substituted(comparison(Operator.EQUAL, '$country'), chosen('DE')))).toEqual(
      json(comparison(Operator.EQUAL, 'DE')),
    )
    expect(json(substituted(comparison(Operator.EQUAL, '$country'), chosen('DE', 'FR')))).toEqual(
      json(comparison(Operator.IN, 'DE', 'FR')),
    )
    expect(json(substituted(comparison(Operator.NOT_IN, '$country', 'US'), chosen('DE')))).toEqual(
      json(comparison(Operator.NOT_IN, 'DE', 'US')),
    )
  })

  test('that have no values leave the comparison out, wherever it stands', () => {
    const asked = comparison(Operator.EQUAL, '$country')
    expect(substituted(asked, chosen())).toBeUndefined()
    expect(
      substituted(create(FilterSchema, { node: { case: 'not', value: asked } }), chosen()),
    ).toBeUndefined()
    const all = create(FilterSchema, {
      node: { case: 'all', value: { filters: [asked, same('name', 'a')] } },
    })
    const left = substituted(all, chosen())
    expect(left?.node.case === 'all' && left.node.value.filters).toHaveLength(1)
  })

  test('with several values become one comparison each where that is needed', () => {
    expect(substituted(comparison(Operator.CONTAINS, '$country'), chosen('a', 'b'))?.node.case).toBe('any')
    expect(substituted(comparison(Operator.NOT_CONTAINS, '$country'), chosen('a', 'b'))?.node.case).toBe(
      'all',
    )
  })

  test('that are not known are texts', () => {
    const asked = comparison(Operator.EQUAL, '$price')
    expect(json(substituted(asked, chosen('DE')))).toEqual(json(asked))
  })
})
