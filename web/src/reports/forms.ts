/** What the forms of reports share: their look, messages at the fields at fault, and choices among several. */
import { css, html, nothing } from 'lit'
import type { Option } from '../common/words'
import { number } from '../explorer/controls'
import { type ReportFault, ReportFormat } from '../gen/tidemark/v1/report_pb'
import { FORMATS } from './model/edition'
import { within } from './model/report'

export const forms = css`
  fieldset {
    display: grid;
    gap: var(--space-2);
    min-width: 0;
    margin: 0;
    padding: 0;
    border: 0;
  }
  legend {
    padding: 0 0 4px;
    color: var(--muted);
    font-size: var(--text-small);
  }
  .pair {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(150px, 1fr));
    gap: var(--space-3);
    align-items: end;
  }
  .field tm-complete {
    width: 100%;
  }
  .field h3 {
    margin-bottom: 4px;
    font-weight: inherit;
  }
  label.check {
    min-height: var(--control);
  }
  .wrong {
    margin: 0;
    color: var(--bad);
    font-size: var(--text-small);
    overflow-wrap: anywhere;
  }
  textarea {
    width: 100%;
    resize: vertical;
  }
`

/** What is wrong with a field, beneath it. */
export function wrong(faults: readonly ReportFault[], path: string) {
  const found = within(faults, path)
  return found.length
    ? found.map(
        ({ message }) =>
          html`<p class="wrong" role="alert">${message.charAt(0).toUpperCase() + message.slice(1)}</p>`,
      )
    : nothing
}

/** One of several, under a label. */
export function choice<V>(label: string, options: readonly Option<V>[], value: V, set: (value: V) => void) {
  const pick = (event: Event) => {
    const option = options[(event.target as HTMLSelectElement).selectedIndex]
    if (option) set(option.value)
  }
  return html`<label class="field"
    >${label}
    <select @change=${pick}>
      ${options.map(each => html`<option ?selected=${each.value === value}>${each.title}</option>`)}
    </select>
  </label>`
}

/** A number under a label; 0 shows as nothing, which leaves the choice to the server. */
export function amount(
  label: string,
  value: number,
  limits: { least?: number; most: number; step?: number; usual?: string },
  set: (value: number) => void,
) {
  return html`<label class="field">${label} ${number(label, value, limits, set)}</label>`
}

/** Some of several. */
export function ticks<V>(
  label: string,
  options: readonly Option<V>[],
  chosen: readonly V[],
  set: (chosen: V[]) => void,
) {
  const turn = (value: V) => (event: Event) => {
    const on = (event.target as HTMLInputElement).checked
    set(options.map(each => each.value).filter(each => (each === value ? on : chosen.includes(each))))
  }
  return html`<fieldset>
    <legend>${label}</legend>
    <div class="row ticks">
      ${options.map(
        ({ value, title }) =>
          html`<label class="check"><input type="checkbox" .checked=${chosen.includes(value)} @change=${turn(value)} /> ${title}</label>`,
      )}
    </div>
  </fieldset>`
}

/** Which files are made. */
export function formatTicks(
  label: string,
  chosen: readonly ReportFormat[],
  set: (chosen: ReportFormat[]) => void,
) {
  return ticks(label, FORMATS, chosen, set)
}
