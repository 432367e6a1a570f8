/** The controls of how an answer is drawn: a question and its display come in, another display goes out. */
import { create } from '@bufbuild/protobuf'
import { type TemplateResult, html, nothing } from 'lit'
import { check } from '../explorer/controls'
import { type Display, DisplaySchema, Display_Kind as Kind } from '../gen/tidemark/v1/dashboard_pb'
import { type Query, type TimeRange, TimeRangeSchema } from '../gen/tidemark/v1/question_pb'
import { displays } from '../model/display'
import './time-range'

type Change = Partial<Omit<Display, '$typeName' | '$unknown'>>

/** `query` is left out where there is only one way to draw an answer. */
export function displayForm(
  query: Query | undefined,
  display: Display | undefined,
  set: (display: Display) => void,
): TemplateResult {
  const draw = (change: Change) => set(Object.assign(create(DisplaySchema), display, change))
  const decimals = (event: Event) => {
    const { value } = event.target as HTMLInputElement
    draw({ decimals: value === '' ? undefined : Math.min(10, Math.max(0, Number(value))) })
  }
  return html`
    ${query ? kinds(query, display, draw) : nothing}
    <label class="field">
      Unit
      <input
        .value=${display?.unit ?? ''}
        placeholder="its own"
        @change=${(event: Event) => draw({ unit: (event.target as HTMLInputElement).value.trim() })}
      />
    </label>
    <label class="field">
      Decimal places
      <input type="number" min="0" max="10" .value=${display?.decimals?.toString() ?? ''} placeholder="fitting" @change=${decimals} />
    </label>
    ${check('Less is better', display?.lessIsBetter ?? false, lessIsBetter => draw({ lessIsBetter }))}
  `
}

function kinds(query: Query, display: Display | undefined, draw: (change: Change) => void) {
  const offered = displays(query)
  if (offered.length < 2) return nothing
  const chosen = display?.kind ?? Kind.UNSPECIFIED
  const pick = (event: Event) =>
    draw({ kind: offered[(event.target as HTMLSelectElement).selectedIndex]?.kind })
  return html`<label class="field">
      Drawn as
      <select @change=${pick}>
        ${offered.map(each => html`<option ?selected=${each.kind === chosen}>${each.title}</option>`)}
      </select>
    </label>
    ${
      chosen === Kind.AREA || chosen === Kind.BAR
        ? check('On one another', display?.stacked ?? false, stacked => draw({ stacked }))
        : nothing
    }`
}

/** The time that is asked of, with the way back to the `usual` one. */
export function timeField(
  label: string,
  range: TimeRange | undefined,
  { zone, usual }: { zone: string; usual: string },
  set: (range: TimeRange | undefined) => void,
): TemplateResult {
  return html`<div class="field">
    ${label ? html`<h3>${label}</h3>` : nothing}
    <span class="row">
      <tm-time-range
        .range=${range ?? create(TimeRangeSchema)}
        .zone=${zone}
        usual=${usual}
        @change=${(event: CustomEvent<TimeRange>) => set(event.detail)}
      ></tm-time-range>
      ${range ? html`<button type="button" class="quiet" @click=${() => set(undefined)}>${usual}</button>` : nothing}
    </span>
  </div>`
}
