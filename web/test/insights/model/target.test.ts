import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { ModelMetricsSchema } from '../../../src/gen/tidemark/v1/model_pb'
import { type Asked, KINDS, accuracy, figures, model, predicted } from '../../../src/insights/model/target'

const ASKED: Asked = {
  kind: 'churn',
  title: 'Churn',
  event: 'page_view',
  days: 14,
  eligible: 'signup',
  within: 30,
  field: '',
  follows: 'refund',
  history: 90,
  sums: ['properties.amount'],
  fields: [],
  folds: 5,
  alone: true,
  retrain: true,
}

const seconds = (days: number) => ({ seconds: BigInt(days * 86_400) })

test('of churn the window and who can stop are asked', () => {
  const made = model(ASKED)
  expect(made).toMatchObject({
    displayName: 'Churn',
    retrain: true,
    history: seconds(90),
    sumFields: ['properties.amount'],
    target: {
      case: 'churn',
      value: { activity: { name: 'page_view' }, window: seconds(14), activeWithin: seconds(30) },
    },
  })
  expect(made.validation).toBeUndefined()
  expect(predicted(made)).toBe('people stop: no page_view within 14 d')
})

test('of a conversion, who can', () => {
  const made = model({ ...ASKED, kind: 'conversion', event: 'order' })
  expect(made.target).toMatchObject({ value: { goal: { name: 'order' }, eligible: { name: 'signup' } } })
  expect(predicted(made)).toBe('people do order within 14 d')
})

test('an outcome is told by a field, or by what follows', () => {
  const field = model({ ...ASKED, kind: 'outcome', field: 'properties.paid' })
  expect(predicted(field)).toBe('what becomes of each page_view: its properties.paid')
  expect(field.target).toMatchObject({
    value: { withoutHistory: true, outcome: { kind: { case: 'field' } } },
  })
  expect(field.validation).toMatchObject({ folds: 5 })
  const follows = model({ ...ASKED, kind: 'outcome' })
  expect(predicted(follows)).toBe('what becomes of each page_view: refund within 14 d')
})

test.each(KINDS)('what is left open is left to the server: $value', ({ value: kind }) => {
  const made = model({ ...ASKED, kind, event: '', eligible: '', within: 0, history: 0, folds: 0 })
  expect(made.history).toBeUndefined()
  expect(made.validation).toBeUndefined()
  expect(predicted(made)).not.toContain('undefined')
})

test('an accuracy never stands alone', () => {
  const metrics = create(ModelMetricsSchema, {
    count: 4310n,
    accuracy: 0.86,
    accuracyLower: 0.85,
    accuracyUpper: 0.87,
    majorityAccuracy: 0.72,
  })
  expect(accuracy(metrics)).toMatch(/^86% \(85% to 87%\), majority 72%, n = 4.310$/)
  expect(figures(metrics).map(({ title }) => title)).toEqual(
    expect.arrayContaining(['Accuracy', 'Majority', 'Points']),
  )
})
