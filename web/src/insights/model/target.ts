/** What models predict: a model comes in, a sentence goes out; and what a form has asked comes in, a model goes out. */
import { create } from '@bufbuild/protobuf'
import type { Duration } from '@bufbuild/protobuf/wkt'
import type { Option, Tone } from '../../common/words'
import {
  type ModelMetrics,
  type Model,
  ModelSchema,
  Algorithm,
  ModelVersion_State as State,
} from '../../gen/tidemark/v1/model_pb'
import { duration, number, percent } from '../../model/format'
import { spread } from './words'

export type Kind = NonNullable<Model['target']['case']>

export const KINDS: (Option<Kind> & { hint: string })[] = [
  { value: 'churn', title: 'Churn', hint: 'People who were there stop' },
  { value: 'return', title: 'Return', hint: 'People who have stopped come back' },
  { value: 'conversion', title: 'Conversion', hint: 'People do something' },
  { value: 'outcome', title: 'Outcome', hint: 'What becomes of each event of a name' },
]

export const ALGORITHMS: Option<Algorithm>[] = [
  { value: Algorithm.RULE, title: 'simple rule' },
  { value: Algorithm.LOGISTIC, title: 'logistic regression' },
  { value: Algorithm.BOOSTED, title: 'boosted trees' },
  { value: Algorithm.MEAN, title: 'mean of both' },
]

export const STATES: (Option<State> & { tone: Tone })[] = [
  { value: State.SERVING, title: 'serving', tone: 'good' },
  { value: State.SHADOW, title: 'in shadow', tone: 'warn' },
  { value: State.RETIRED, title: 'retired', tone: '' },
]

/** What a form asks; names are empty for any event, lengths are days. */
export type Asked = {
  kind: Kind
  title: string
  /** What being there is, what is to be done, or whose outcome it is. */
  event: string
  days: number
  /** Who it is about: whoever did this, in so many days before; 0 stands for any time. */
  eligible: string
  within: number
  /** Of an outcome: the field that tells it, or else the event that follows. */
  field: string
  follows: string
  history: number
  sums: string[]
  fields: string[]
  folds: number
  alone: boolean
  retrain: boolean
}

/** The model that was asked for. */
export function model(asked: Asked): Model {
  const window = days(asked.days)
  const event = { name: asked.event }
  const activity = asked.event ? event : undefined
  const within = asked.within ? days(asked.within) : undefined
  const targets = {
    churn: { case: 'churn' as const, value: { activity, window, activeWithin: within } },
    return: { case: 'return' as const, value: { activity, window } },
    conversion: {
      case: 'conversion' as const,
      value: {
        goal: event,
        window,
        eligible: asked.eligible ? { name: asked.eligible } : undefined,
        eligibleWithin: within,
      },
    },
    outcome: {
      case: 'outcome' as const,
      value: {
        event,
        withoutHistory: asked.alone,
        outcome: asked.field
          ? { kind: { case: 'field' as const, value: asked.field } }
          : { kind: { case: 'did' as const, value: { name: asked.follows } }, window },
      },
    },
  }
  return create(ModelSchema, {
    displayName: asked.title,
    target: targets[asked.kind],
    history: asked.history ? days(asked.history) : undefined,
    sumFields: asked.sums,
    fields: asked.fields,
    validation: asked.kind === 'outcome' && asked.folds ? { folds: asked.folds } : undefined,
    retrain: asked.retrain,
  })
}

function days(count: number) {
  return { seconds: BigInt(Math.round(count * 86_400)) }
}

/** What a model predicts, as a sentence without its end. */
export function predicted({ target }: Model): string {
  switch (target.case) {
    case 'churn':
      return `people stop: no ${named(target.value.activity?.name)} within ${long(target.value.window)}`
    case 'return':
      return `people who have stopped come back: ${named(target.value.activity?.name)} within ${long(target.value.window)}`
    case 'conversion':
      return `people do ${named(target.value.goal?.name)} within ${long(target.value.window)}`
    case 'outcome': {
      const { event, outcome } = target.value
      const { kind, window } = outcome ?? {}
      const what =
        kind?.case === 'field' ? `its ${kind.value}` : `${named(kind?.value?.name)} within ${long(window)}`
      return `what becomes of each ${named(event?.name)}: ${what}`
    }
    default:
      return ''
  }
}

function named(name: string | undefined): string {
  return name || 'event'
}

function long(length: Duration | undefined): string {
  return length ? duration(Number(length.seconds)) : 'any time'
}

/** The accuracy, never without the share of the majority, how many there were, and its interval. */
export function accuracy({
  accuracy,
  accuracyLower,
  accuracyUpper,
  majorityAccuracy,
  count,
}: ModelMetrics): string {
  const measured = spread(accuracy, accuracyLower, accuracyUpper)
  return `${measured}, majority ${percent(majorityAccuracy, 1)}, n = ${number(count)}`
}

/** What is told of a measurement, each with what it means. */
export function figures(metrics: ModelMetrics): { title: string; text: string; hint: string }[] {
  const { aucLower, aucUpper, leadLower, leadUpper } = metrics
  const plain = (value: number) => number(value, { decimals: 3 })
  const range = (value: number, lower: number, upper: number) =>
    upper > lower ? `${plain(value)} (${plain(lower)} to ${plain(upper)})` : plain(value)
  const { accuracy, accuracyLower, accuracyUpper, auc, ruleAuc } = metrics
  return [
    {
      title: 'Accuracy',
      text: spread(accuracy, accuracyLower, accuracyUpper),
      hint: 'Share said right, with its interval of 95%',
    },
    {
      title: 'Majority',
      text: percent(metrics.majorityAccuracy, 1),
      hint: 'Accuracy of always saying what is more frequent',
    },
    {
      title: 'Balanced accuracy',
      text: percent(metrics.balancedAccuracy, 1),
      hint: 'Mean of the shares said right with and without the outcome',
    },
    {
      title: 'AUC',
      text: range(auc, aucLower, aucUpper),
      hint: 'Probability that who has the outcome has the greater score',
    },
    { title: 'AUC of the rule', text: plain(ruleAuc), hint: 'Of the simple rule on the same points' },
    {
      title: 'Lead over the rule',
      text: leadUpper > leadLower ? `${plain(leadLower)} to ${plain(leadUpper)}` : '–',
      hint: 'In AUC, its interval of 95%',
    },
    {
      title: 'Brier score',
      text: plain(metrics.brier),
      hint: 'Mean squared distance of probability and outcome; less is better',
    },
    {
      title: 'Lift at 10%',
      text: `${number(metrics.liftAt10, { decimals: 1 })} ×`,
      hint: 'How many times more frequent the outcome is among the tenth with the greatest scores',
    },
    {
      title: 'Accuracy of the surest 80%',
      text: percent(metrics.accuracyAt80, 1),
      hint: 'Where it abstains from the fifth it is least sure of',
    },
    { title: 'Points', text: number(metrics.count), hint: 'How many were tested' },
    { title: 'With the outcome', text: percent(metrics.positiveShare, 1), hint: 'Share of them' },
  ]
}
