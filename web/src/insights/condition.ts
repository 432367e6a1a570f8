/** The form of the condition of a rule: the rule is changed in place by whoever is told. */
import { type TemplateResult, html } from 'lit'
import type { Option } from '../common/words'
import type { AlertRule } from '../gen/tidemark/v1/alert_pb'
import { CONDITIONS, type Condition, DIRECTIONS, OPERATORS } from './model/alert'

/** When a bucket is at fault. `turn` gives the condition another kind, `changed` hears that a figure of it is another one. */
export function conditionForm(
  rule: AlertRule,
  turn: (kind: Condition) => void,
  changed: () => void,
): TemplateResult {
  const { condition } = rule
  return html`
    <label class="field"
      >A bucket is at fault by
      <select @change=${(event: Event) => turn((event.target as HTMLSelectElement).value as Condition)}>
        ${CONDITIONS.map(each => html`<option value=${each.value} ?selected=${each.value === condition.case}>${each.title}: ${each.hint}</option>`)}
      </select>
    </label>
    <div class="pair">${figures(condition, changed)}</div>
  `
}

function figures(condition: AlertRule['condition'], changed: () => void) {
  switch (condition.case) {
    case 'threshold': {
      const { value: holder } = condition
      return [
        choice('The value is', OPERATORS, holder.operator, value => (holder.operator = value), changed),
        figure('This limit', holder.value, { step: 'any' }, value => (holder.value = value), changed),
      ]
    }
    case 'change': {
      const { value: holder } = condition
      const set = (value: number) => (holder.share = value / 100)
      return [
        choice('The change is', DIRECTIONS, holder.direction, value => (holder.direction = value), changed),
        figure('By more than, %', holder.share * 100, { min: 0.1, step: 'any' }, set, changed),
        figure(
          'From so many buckets before',
          holder.bucketsAgo || 1,
          { min: 1, max: 10_000 },
          value => (holder.bucketsAgo = value),
          changed,
        ),
        figure(
          'Unless both are below',
          holder.least,
          { step: 'any' },
          value => (holder.least = value),
          changed,
        ),
      ]
    }
    case 'anomaly': {
      const { value: holder } = condition
      const set = (value: number) => (holder.falseAlarmRate = 1 / Math.max(10, value))
      return [
        choice(
          'The value is off',
          DIRECTIONS,
          holder.direction,
          value => (holder.direction = value),
          changed,
        ),
        figure(
          'A false alarm in so many buckets',
          Math.round(1 / (holder.falseAlarmRate || 0.001)),
          { min: 10, max: 1_000_000 },
          set,
          changed,
        ),
      ]
    }
    default:
      return html`<p class="muted small">A bucket without any value is at fault.</p>`
  }
}

function choice<V extends number>(
  label: string,
  options: Option<V>[],
  value: V,
  set: (value: V) => void,
  changed: () => void,
) {
  const pick = (event: Event) => {
    set(options[(event.target as HTMLSelectElement).selectedIndex]!.value)
    changed()
  }
  return html`<label class="field"
    >${label}
    <select @change=${pick}>
      ${options.map(each => html`<option ?selected=${each.value === value}>${each.title}</option>`)}
    </select>
  </label>`
}

/** A number within limits; a text that is none leaves what was there. */
export function figure(
  label: string,
  value: number,
  { min = '', max = '', step = 1 }: { min?: number | ''; max?: number | ''; step?: number | 'any' },
  set: (value: number) => void,
  changed: () => void,
): TemplateResult {
  const settle = (event: Event) => {
    const { valueAsNumber } = event.target as HTMLInputElement
    if (!Number.isFinite(valueAsNumber)) return
    set(valueAsNumber)
    changed()
  }
  return html`<label class="field"
    >${label}
    <input type="number" min=${min} max=${max} step=${step} required .value=${String(value)} @change=${settle} />
  </label>`
}
