/** Enrichment rules as a text that people edit, and what is said of them. */
import { create, fromJsonString, toJson } from '@bufbuild/protobuf'
import { type Rule, type Rules, RulesSchema } from '../../gen/tidemark/v1/rule_pb'

/** What a new rule may do, and how it is begun. */
export const BEGUN: { title: string; rule: Record<string, unknown> }[] = [
  {
    title: 'Set a field',
    rule: { set: { field: 'properties.total', expression: 'properties.price * 1.19' } },
  },
  { title: 'Rename a field', rule: { rename: { field: 'properties.ammount', to: 'properties.amount' } } },
  { title: 'Drop a field', rule: { drop: { field: 'properties.password' } } },
  { title: 'Change the type of a field', rule: { cast: { field: 'properties.amount', to: 'TYPE_NUMBER' } } },
  { title: 'Hash a text', rule: { hash: { field: 'properties.email' } } },
  { title: 'Mask a text', rule: { mask: { field: 'properties.card', keepLast: 4 } } },
  {
    title: 'Look a field up',
    rule: {
      lookUp: { field: 'properties.country', table: { DE: 'EMEA', JP: 'APAC' }, to: 'properties.region' },
    },
  },
  { title: 'Take a browser apart', rule: { parseUserAgent: { field: 'context.user_agent', to: 'context' } } },
  { title: 'Take an address apart', rule: { parseUrl: { field: 'properties.url', to: 'properties' } } },
  { title: 'Give sessions', rule: { sessionize: { inactivity: '1800s' } } },
]

/** The rules as JSON, one below the other. */
export function write(rules: Rules): string {
  const json = toJson(RulesSchema, create(RulesSchema, { rules: rules.rules })) as { rules?: unknown[] }
  return JSON.stringify(json.rules ?? [], null, 2)
}

/** The rules of a text. Throws an `Error` with a sentence for people. */
export function read(text: string): Rule[] {
  let given: unknown
  try {
    given = JSON.parse(text || '[]')
  } catch (error) {
    throw new Error(`The rules are no JSON: ${(error as Error).message}`, { cause: error })
  }
  if (!Array.isArray(given)) throw new Error('The rules must be a list: [ … ]')
  try {
    return fromJsonString(RulesSchema, JSON.stringify({ rules: given })).rules
  } catch (error) {
    throw new Error(`The rules cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** A text with one more rule at its end. */
export function added(text: string, rule: Record<string, unknown>): string {
  const rules = read(text)
  const taken = new Set(rules.map(each => each.ruleId))
  let number = rules.length + 1
  while (taken.has(`rule-${number}`)) number++
  const parsed = JSON.parse(text || '[]') as unknown[]
  return JSON.stringify([...parsed, { ruleId: `rule-${number}`, ...rule }], null, 2)
}
