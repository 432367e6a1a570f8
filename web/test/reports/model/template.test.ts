import { create } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { listed } from '../../../src/common/words'
import {
  ReportTemplateSchema,
  TemplateParameterSchema,
  TemplateParameter_Kind as Kind,
  TemplateUseSchema,
} from '../../../src/gen/tidemark/v1/report_pb'
import { given, lineOf, shown, wanting, written } from '../../../src/reports/model/template'

test('what is written for a parameter becomes the value of its kind', () => {
  const of = (kind: Kind) => create(TemplateParameterSchema, { id: 'a', kind })
  expect(written(of(Kind.NUMBER), ' 1.5 ')).toBe(1.5)
  expect(written(of(Kind.NUMBER), 'many')).toBeUndefined()
  expect(written(of(Kind.EVENTS), 'a, b,, c')).toEqual(['a', 'b', 'c'])
  expect(written(of(Kind.BOOLEAN), 'true')).toBe(true)
  expect(written(of(Kind.EVENT), '')).toBeUndefined()
  expect(shown(['a', 'b'])).toBe('a, b')
  expect(shown(listed('x,y'))).toBe('x, y')
})

test('a parameter without a default has to be given', () => {
  const usual = create(ValueSchema, { kind: { case: 'stringValue', value: 'orders' } })
  const template = create(ReportTemplateSchema, {
    parameters: [{ id: 'event' }, { id: 'other', defaultValue: usual }],
  })
  const use = create(TemplateUseSchema, { name: 'projects/-/reportTemplates/a' })
  expect(wanting(template, use).map(({ id }) => id)).toEqual(['event'])
  const chosen = given(use, 'event', 'signup')
  expect(wanting(template, chosen)).toEqual([])
  expect(given(chosen, 'event', undefined).values).toEqual({})
})

test('the line that a message names is found', () => {
  expect(lineOf('report_template.source: line 12: unexpected end')).toBe(12)
  expect(lineOf('it is too long')).toBeUndefined()
})
