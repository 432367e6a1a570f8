/** The forms of trends and tables: what is measured, and what is computed from it. */
import { create } from '@bufbuild/protobuf'
import { type TemplateResult, html, nothing } from 'lit'
import { icon } from '../app/icons'
import {
  Aggregation,
  Compare,
  Fill,
  type Formula,
  FormulaSchema,
  IntervalSchema,
  Interval_Unit,
  type Measure,
  type SeriesQuestion,
  Source,
  type TableQuestion,
} from '../gen/tidemark/v1/question_pb'
import { AGGREGATIONS, UNITS, count, letter } from '../model/question'
import {
  type Form,
  adder,
  breakdown,
  check,
  field,
  filter,
  line,
  name,
  number,
  part,
  remover,
  select,
} from './controls'

const SOURCES = [
  { value: Source.EVENTS, title: 'Events' },
  { value: Source.METRICS, title: 'Metrics' },
]
const QUANTILES = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999].map(value => ({ value, title: `p${value * 100}` }))
const FILLS = [
  { value: Fill.UNSPECIFIED, title: 'as usual' },
  { value: Fill.NONE, title: 'nothing' },
  { value: Fill.ZERO, title: '0' },
  { value: Fill.PREVIOUS, title: 'value before' },
  { value: Fill.LINEAR, title: 'straight line' },
]

/** The form of a trend. */
export function seriesForm(form: Form, question: SeriesQuestion): TemplateResult {
  const about = subject(question)
  const change = by(form)
  const every = question.interval?.unit ?? Interval_Unit.UNSPECIFIED
  const many = question.interval?.count ?? 0
  const units = [{ value: Interval_Unit.UNSPECIFIED, title: 'automatic' }, ...UNITS.map(titled)]
  const setUnit = (unit: Interval_Unit) =>
    change(() => (question.interval = unit ? create(IntervalSchema, { unit }) : undefined))
  const setCount = (count: number) =>
    change(() => (question.interval = create(IntervalSchema, { unit: every, count })))
  const counted = every !== Interval_Unit.UNSPECIFIED && every < Interval_Unit.WEEK
  return html`
    ${measures(form, question)}
    ${part(
      'Where',
      filter(form, about, question.filter, value => change(() => (question.filter = value))),
    )}
    ${part(
      'Split by',
      breakdown(form, { ...about, most: 3 }, question.groupBy, value =>
        change(() => (question.groupBy = value)),
      ),
    )}
    ${part(
      'Options',
      line(
        'Every',
        counted ? number('Units in a bucket', many, { most: 1000, usual: '1' }, setCount) : nothing,
        select('Width of a bucket', units, every, setUnit),
      ),
      top(form, question, 100),
      line(
        'Gaps show',
        select('What stands in a gap', FILLS, question.fill, value => change(() => (question.fill = value))),
      ),
      comparison(form, question),
    )}
  `
}

/** The form of a table. */
export function tableForm(form: Form, question: TableQuestion): TemplateResult {
  const about = subject(question)
  const change = by(form)
  const ids = [
    ...question.measures.map((each, place) => ({
      value: each.id || letter(place),
      title: each.id || letter(place),
    })),
    ...question.formulas.map((each, place) => ({
      value: each.id || `F${place + 1}`,
      title: each.id || `F${place + 1}`,
    })),
  ]
  const orders = [{ value: '', title: 'first measure' }, ...ids]
  const ways = [
    { value: false, title: 'largest first' },
    { value: true, title: 'smallest first' },
  ]
  return html`
    ${measures(form, question)}
    ${part(
      'Rows',
      breakdown(form, { ...about, most: 5 }, question.groupBy, value =>
        change(() => (question.groupBy = value)),
      ),
    )}
    ${part(
      'Where',
      filter(form, about, question.filter, value => change(() => (question.filter = value))),
    )}
    ${part(
      'Options',
      line(
        'Ordered by',
        select('Ordered by', orders, question.orderBy, value => change(() => (question.orderBy = value))),
        select('Way of ordering', ways, question.ascending, value =>
          change(() => (question.ascending = value)),
        ),
      ),
      top(form, question, 1000),
      comparison(form, question),
    )}
  `
}

function measures(form: Form, question: SeriesQuestion | TableQuestion) {
  const change = by(form)
  const formula = () =>
    create(FormulaSchema, { expression: question.measures.length > 1 ? 'B / A * 100' : 'A' })
  return part(
    'Measures',
    question.measures.map((each, place) => measure(form, question, each, place)),
    question.formulas.map((each, place) => formulaRow(form, question, each, place)),
    html`<div class="row">
      ${question.measures.length < 10 ? adder('Measure', () => change(() => question.measures.push(count()))) : nothing}
      ${question.formulas.length < 10 ? adder('Formula', () => change(() => question.formulas.push(formula()))) : nothing}
    </div>`,
  )
}

function measure(
  form: Form,
  { measures, formulas }: SeriesQuestion | TableQuestion,
  measure: Measure,
  place: number,
) {
  const change = by(form)
  const id = measure.id || letter(place)
  const metrics = measure.source === Source.METRICS
  const about = { source: metrics ? Source.METRICS : Source.EVENTS, name: measure.name }
  const setSource = (source: Source) => change(() => Object.assign(measure, { source, name: '', field: '' }))
  const setAggregation = (aggregation: Aggregation) =>
    change(() => {
      measure.aggregation = aggregation
      measure.quantile = aggregation === Aggregation.QUANTILE ? measure.quantile || 0.95 : 0
    })
  const over = AGGREGATIONS.find(each => each.aggregation === measure.aggregation)?.over
  const placeholder = over === 'number' ? 'of which property' : 'user_id'
  const setField = (value: string) => change(() => (measure.field = value))
  return html`<div class="measure">
    <div class="row">
      <span class="letter" aria-hidden="true">${id}</span>
      ${select(`Source of ${id}`, SOURCES, about.source, setSource)}
      ${name(form, about.source, measure.name, value => change(() => (measure.name = value)))}
      ${measures.length > 1 ? remover(`Remove measure ${id}`, () => change(() => measures.splice(place, 1))) : nothing}
    </div>
    <div class="row">
      ${select(
        `Aggregation of ${id}`,
        AGGREGATIONS.map(each => ({ value: each.aggregation, title: each.title })),
        measure.aggregation,
        setAggregation,
      )}
      ${
        measure.aggregation === Aggregation.QUANTILE
          ? select('Which percentile', QUANTILES, measure.quantile, value =>
              change(() => (measure.quantile = value)),
            )
          : nothing
      }
      ${!metrics && over !== 'nothing' ? field(form, { ...about, label: 'Property', placeholder }, measure.field, setField) : nothing}
      ${formulas.length ? check('hide', measure.hidden, value => change(() => (measure.hidden = value))) : nothing}
    </div>
    ${narrowing(form, about, measure)}
  </div>`
}

/** A condition of a part of the question only, folded away until it is wanted. */
export function narrowing(
  form: Form,
  about: { source?: Source; name?: string },
  holder: Pick<Measure, 'filter'>,
): TemplateResult {
  return html`<details class="narrowing" ?open=${!!holder.filter}>
    <summary>${icon('right')} only where…</summary>
    ${filter(form, about, holder.filter, value => by(form)(() => (holder.filter = value)))}
  </details>`
}

function formulaRow(
  form: Form,
  { formulas }: SeriesQuestion | TableQuestion,
  formula: Formula,
  place: number,
) {
  const change = by(form)
  const id = formula.id || `F${place + 1}`
  const text = (event: Event) => (event.target as HTMLInputElement).value.trim()
  return html`<div class="measure row">
    <span class="letter" aria-hidden="true">${id}</span>
    <input
      class="grow code"
      aria-label="Formula ${id}"
      placeholder="B / A * 100"
      maxlength="500"
      spellcheck="false"
      .value=${formula.expression}
      @change=${(event: Event) => change(() => (formula.expression = text(event)))}
    />
    <input
      class="short"
      aria-label="Unit of ${id}"
      placeholder="unit"
      .value=${formula.unit}
      @change=${(event: Event) => change(() => (formula.unit = text(event)))}
    />
    ${remover(`Remove formula ${id}`, () => change(() => formulas.splice(place, 1)))}
  </div>`
}

function top(form: Form, question: SeriesQuestion | TableQuestion, most: number) {
  if (question.groupBy.length === 0) return nothing
  const set = (value: number) => by(form)(() => (question.top = value))
  return line('Show the top', number('How many groups', question.top, { most, usual: '10' }, set))
}

function comparison(form: Form, question: SeriesQuestion | TableQuestion) {
  if (!form.comparable) return nothing
  const set = (on: boolean) =>
    by(form)(() => (question.compare = on ? Compare.PREVIOUS_PERIOD : Compare.UNSPECIFIED))
  return check('Compare with the period before', question.compare === Compare.PREVIOUS_PERIOD, set)
}

/** What fields are offered of: what the first measure measures. */
function subject({ measures }: SeriesQuestion | TableQuestion): { source: Source; name: string } {
  const metrics = measures[0]?.source === Source.METRICS
  const names = new Set(measures.map(each => each.name))
  return {
    source: metrics ? Source.METRICS : Source.EVENTS,
    name: names.size === 1 ? (measures[0]?.name ?? '') : '',
  }
}

function titled({ unit, title }: (typeof UNITS)[number]) {
  return { value: unit, title }
}

/** Changes the question, then tells. */
export function by(form: Form): (how: () => unknown) => void {
  return how => {
    how()
    form.changed()
  }
}
