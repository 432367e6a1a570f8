/** A question as others would ask it: a Python program, a request for curl. Gives texts to copy. */
import { type JsonValue, toJson } from '@bufbuild/protobuf'
import { type Query, QuerySchema } from '../gen/tidemark/v1/question_pb'

/** A program that asks by the client `tidemark`; the key comes from the environment. */
export function python(project: string, query: Query): string {
  return `from google.protobuf.json_format import ParseDict
from tidemark.blocking import Client
from tidemark.v1.question_pb2 import Query

query = ParseDict(
    ${literal(toJson(QuerySchema, query), '    ')},
    Query(),
)

# The key is taken from TIDEMARK_KEY.
with Client(project="${project.replace('projects/', '')}") as tidemark:
    print(tidemark.query(query))
`
}

/** A request for the command line; the key comes from the environment. */
export function curl(origin: string, project: string, query: Query): string {
  const body = JSON.stringify({ query: toJson(QuerySchema, query) }, null, 2)
  return `curl ${quoted(`${origin}/v1/${project}/queries:run`)} \\
  --header "authorization: Bearer $TIDEMARK_KEY" \\
  --header 'content-type: application/json' \\
  --data ${quoted(body)}
`
}

/** A text that a shell takes as it is. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** A value as Python writes it. */
function literal(value: JsonValue, indent: string): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return string(value)
  const deeper = `${indent}    `
  if (Array.isArray(value)) {
    const each = value.map(item => `${deeper}${literal(item, deeper)},\n`)
    return each.length ? `[\n${each.join('')}${indent}]` : '[]'
  }
  const each = Object.entries(value).map(
    ([key, item]) => `${deeper}${string(key)}: ${literal(item, deeper)},\n`,
  )
  return each.length ? `{\n${each.join('')}${indent}}` : '{}'
}

/** A text as Python writes it: JSON's escapes are Python's, but for pairs of surrogates, which it leaves as they are. */
function string(text: string): string {
  return JSON.stringify(text)
}
