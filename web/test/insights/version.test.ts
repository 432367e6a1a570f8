import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { Algorithm, ModelVersionSchema } from '../../src/gen/tidemark/v1/model_pb'
import '../../src/insights/version'
import type { Version } from '../../src/insights/version'
import { all, drawn, find, text } from '../tiles/drawn'

const metrics = {
  count: 900n,
  accuracy: 0.86,
  majorityAccuracy: 0.72,
  auc: 0.88,
  aucLower: 0.86,
  aucUpper: 0.9,
}

const version = create(ModelVersionSchema, {
  name: 'projects/demo/models/churn/versions/3',
  verdict: 'The rule serves: nothing leads it by more than chance.',
  metrics,
  candidates: [
    { algorithm: Algorithm.RULE, metrics },
    { algorithm: Algorithm.LOGISTIC, metrics },
  ],
  importance: [
    {
      feature: 'recency',
      description: 'days since the last event',
      importance: 0.1,
      lower: 0.05,
      upper: 0.2,
    },
    { feature: 'noise', importance: -0.01, lower: -0.02, upper: 0 },
  ],
  calibration: [{ predicted: 0.1, observed: 0.12, count: 90n }],
})

test('a version says its verdict, and its figures with majority, interval and number', async () => {
  const element = await drawn<Version>('tm-version', { version })
  const said = text(element.shadowRoot!.firstElementChild)
  for (const words of [
    version.verdict,
    'Majority 72%',
    '0.880 (0.860 to 0.900)',
    'Points 900',
    'simple rule',
  ])
    expect(said).toContain(words)
})

test('importance is drawn with its interval, and what does harm has no bar', async () => {
  const element = await drawn<Version>('tm-version', { version })
  const bars = all(element, '.rail i').map(bar => bar.style.getPropertyValue('--to'))
  expect(bars).toEqual(['50%', '0%'])
  expect(find(element, '.rail b').style.getPropertyValue('--from')).toBe('25%')
})

test('calibration is read out', async () => {
  const element = await drawn<Version>('tm-version', { version })
  expect(find(element, 'svg[role=img]').getAttribute('aria-label')).toContain('10% predicted, 12% came')
})

test('a version of which nothing was measured yet is shown as it is', async () => {
  const bare = create(ModelVersionSchema, { name: 'projects/demo/models/churn/versions/1' })
  const element = await drawn<Version>('tm-version', { version: bare })
  expect(text(find(element, 'h2'))).toBe('Version 1')
  expect(all(element, 'svg')).toHaveLength(0)
})
