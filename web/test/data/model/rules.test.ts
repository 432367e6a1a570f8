import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { RulesSchema } from '../../../src/gen/tidemark/v1/rule_pb'
import { BEGUN, added, read, write } from '../../../src/data/model/rules'

test('every rule that can be begun can be read', () => {
  const text = BEGUN.reduce((so_far, { rule }) => added(so_far, rule), '')
  const rules = read(text)
  expect(rules.map(each => each.ruleId)).toEqual(BEGUN.map((_, at) => `rule-${at + 1}`))
  expect(rules.every(each => each.action.case !== undefined)).toBe(true)
  expect(read(write(create(RulesSchema, { rules })))).toEqual(rules)
})

test('what is no list of rules is refused with a sentence', () => {
  expect(() => read('[')).toThrow('The rules are no JSON')
  expect(() => read('{}')).toThrow('must be a list')
  expect(() => read('[{"colour": "red"}]')).toThrow('The rules cannot be read')
})
