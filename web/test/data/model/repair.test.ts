import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { RepairDeadLettersResponseSchema } from '../../../src/gen/tidemark/v1/letter_pb'
import { CastField_Type as CastType } from '../../../src/gen/tidemark/v1/rule_pb'
import { outcome, rule, wanting } from '../../../src/data/model/repair'

test.each([
  ['5', { case: 'numberValue', value: 5 }],
  ['true', { case: 'boolValue', value: true }],
  ['"5"', { case: 'stringValue', value: '5' }],
  ['five', { case: 'stringValue', value: 'five' }],
  ['{"a":1}', { case: 'stringValue', value: '{"a":1}' }],
])('%s is set as it is meant', (value, kind) => {
  const { action } = rule({ field: 'properties.amount', action: 'set', value })
  if (action.case !== 'set' || action.value.to.case !== 'value') throw new Error('no value is set')
  expect(action.value.to.value.kind).toEqual(kind)
})

test('a patch becomes the rule that makes it', () => {
  const field = 'properties.amount'
  expect(rule({ field, action: 'drop', value: '' }).action).toMatchObject({ case: 'drop', value: { field } })
  expect(rule({ field, action: 'rename', value: 'properties.total' }).action).toMatchObject({
    case: 'rename',
    value: { field, to: 'properties.total' },
  })
  expect(rule({ field, action: 'number', value: '' }).action).toMatchObject({
    case: 'cast',
    value: { field, to: CastType.NUMBER },
  })
})

test('a patch names a field that can be changed', () => {
  expect(wanting({ field: 'properties.a', action: 'drop', value: '' })).toBeUndefined()
  expect(wanting({ field: 'occurred_at', action: 'drop', value: '' })).toContain('Name a field')
  expect(wanting({ field: 'properties.a', action: 'rename', value: '' })).toContain('moves to')
})

test('what a repair does is one sentence', () => {
  const answer = create(RepairDeadLettersResponseSchema, {
    selectedCount: 10n,
    recoveredCount: 8n,
    duplicateCount: 1n,
    failedCount: 2n,
  })
  expect(outcome(answer, false)).toBe('8 of 10 would be recovered, 1 of them known before; 2 stay at fault.')
  expect(
    outcome(create(RepairDeadLettersResponseSchema, { selectedCount: 3n, recoveredCount: 3n }), true),
  ).toBe('3 of 3 recovered.')
})
