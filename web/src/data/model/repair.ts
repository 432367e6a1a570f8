/** The repair of dead letters: what a person chooses becomes a patch, and what the server foresees becomes sentences. */
import { create } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import type { RepairDeadLettersResponse } from '../../gen/tidemark/v1/letter_pb'
import { CastField_Type as CastType, type Rule, RuleSchema } from '../../gen/tidemark/v1/rule_pb'
import { number } from '../../model/format'

/** A change to a field, as somebody chooses it. */
export type Patch = { field: string; action: Action; value: string }
export type Action = 'drop' | 'set' | 'rename' | 'number' | 'string' | 'boolean' | 'timestamp'

export const ACTIONS: { action: Action; title: string; asks: string }[] = [
  { action: 'set', title: 'Set it to', asks: 'Value, as JSON or a text' },
  { action: 'drop', title: 'Take it away', asks: '' },
  { action: 'rename', title: 'Move it to', asks: 'New path' },
  { action: 'number', title: 'Make it a number', asks: '' },
  { action: 'string', title: 'Make it a text', asks: '' },
  { action: 'boolean', title: 'Make it true or false', asks: '' },
  { action: 'timestamp', title: 'Make it an instant', asks: '' },
]

const CASTS: Partial<Record<Action, CastType>> = {
  number: CastType.NUMBER,
  string: CastType.STRING,
  boolean: CastType.BOOLEAN,
  timestamp: CastType.TIMESTAMP,
}

/** What keeps a patch from being tried, as a sentence; undefined when nothing does. */
export function wanting({ field, action, value }: Patch): string | undefined {
  if (!/^(name|user_id|session_id|(properties|context)\..+)$/.test(field))
    return 'Name a field: name, user_id, session_id, properties.… or context.…'
  if (action === 'rename' && !value) return 'Say where the field moves to.'
  return undefined
}

/** The rule that makes the change. */
export function rule({ field, action, value }: Patch): Rule {
  switch (action) {
    case 'drop':
      return create(RuleSchema, { action: { case: 'drop', value: { field } } })
    case 'rename':
      return create(RuleSchema, { action: { case: 'rename', value: { field, to: value } } })
    case 'set':
      return create(RuleSchema, {
        action: { case: 'set', value: { field, to: { case: 'value', value: literal(value) } } },
      })
    default:
      return create(RuleSchema, { action: { case: 'cast', value: { field, to: CASTS[action] } } })
  }
}

/** What is written as JSON is that; every other text is a text. */
function literal(text: string) {
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch {
    read = text
  }
  if (typeof read === 'number') return create(ValueSchema, { kind: { case: 'numberValue', value: read } })
  if (typeof read === 'boolean') return create(ValueSchema, { kind: { case: 'boolValue', value: read } })
  return create(ValueSchema, {
    kind: { case: 'stringValue', value: typeof read === 'string' ? read : text },
  })
}

/** What a repair would do, or has done, in one sentence. */
export function outcome(answer: RepairDeadLettersResponse, done: boolean): string {
  const { selectedCount, recoveredCount, duplicateCount, failedCount } = answer
  const would = done ? '' : 'would be '
  const known = duplicateCount ? `, ${number(duplicateCount)} of them known before` : ''
  const left = failedCount ? `; ${number(failedCount)} stay at fault` : ''
  return `${number(recoveredCount)} of ${number(selectedCount)} ${would}recovered${known}${left}.`
}
