import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { Aggregation, Operator, QuerySchema } from '../../src/gen/tidemark/v1/question_pb'
import { curl, python } from '../../src/model/code'

const hostile = `it's "so" $(rm) \\ \n <script>`
const value = { kind: { case: 'stringValue' as const, value: hostile } }
const query = create(QuerySchema, {
  timeRange: { last: { seconds: 86_400n } },
  question: {
    case: 'series',
    value: {
      measures: [
        { name: 'order_placed', aggregation: Aggregation.SUM, field: 'properties.amount', hidden: true },
      ],
      filter: {
        node: {
          case: 'comparison',
          value: { field: 'properties.note', operator: Operator.EQUAL, values: [value] },
        },
      },
    },
  },
})

test('Python writes values as Python does', () => {
  const text = python('projects/acme', query)
  expect(text).toContain('Client(project="acme")')
  expect(text).toContain('"hidden": True')
  expect(text).toContain('"last": "86400s"')
  expect(text).not.toMatch(/\btrue\b|\bnull\b/)
})

test('texts of strangers stay within their quotes', () => {
  expect(python('projects/acme', query)).toContain(JSON.stringify(hostile))
  const body = curl('https://edge.test', 'projects/acme', query).split('--data ')[1]!.trim()
  // Every quote within the body is closed, escaped and opened again.
  expect(body.slice(1, -1).replaceAll(String.raw`'\''`, '')).not.toContain("'")
  const sent = JSON.parse(body.slice(1, -1).replaceAll(String.raw`'\''`, "'")) as object
  expect(sent).toHaveProperty('query.series.filter.comparison.values', [hostile])
})

test('curl asks the REST door of this page', () => {
  const text = curl('https://edge.test', 'projects/acme', query)
  expect(text).toContain(`'https://edge.test/v1/projects/acme/queries:run'`)
  expect(text).toContain('Bearer $TIDEMARK_KEY')
})
