import { create } from '@bufbuild/protobuf'
import { LitElement, css, html, nothing } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import { icon } from '../app/icons'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { timeField } from '../dashboard/display-form'
import '../explorer/filter-builder'
import { type Filter, Source } from '../gen/tidemark/v1/question_pb'
import { type Report, type ReportFault, ReportSchema } from '../gen/tidemark/v1/report_pb'
import { forms, wrong } from './forms'
import { LOCALES, changed } from './model/report'

const ZONES = Intl.supportedValuesOf('timeZone')

/** What holds for a whole report: what it is called, its time, how it writes, its filter, its variables. Dispatches `change` with the
 * report as it is to be. */
@customElement('tm-report-settings')
export class ReportSettings extends LitElement {
  @property({ attribute: false }) session!: Session
  @property({ attribute: false }) report: Report = create(ReportSchema)
  @property({ attribute: false }) faults: ReportFault[] = []

  static override styles = [
    shared,
    forms,
    css`
      :host {
        display: grid;
        gap: var(--space-3);
      }
      textarea {
        min-height: 56px;
      }
      summary {
        cursor: pointer;
        color: var(--muted);
        font-size: var(--text-small);
      }
      details > * + * {
        margin-top: var(--space-2);
      }
      .variable {
        display: grid;
        grid-template-columns: 1fr 2fr auto;
        gap: 6px;
      }
    `,
  ]

  override render() {
    const { report, faults, session } = this
    return html`
      <label class="field"
        >Title
        <input required maxlength="100" autocomplete="off" .value=${report.displayName} @input=${this.write('displayName')} />
      </label>
      ${wrong(faults, 'report.display_name')}
      <label class="field"
        >What it is for
        <textarea maxlength="1000" .value=${report.description} @change=${this.write('description')}></textarea>
      </label>
      ${wrong(faults, 'report.description')}
        ${timeField(
          'Time it tells of',
          report.timeRange,
          { zone: report.timeZone || session.zone, usual: 'The 7 days before today' },
          timeRange => this.tell({ timeRange }),
        )}
      <div class="pair">
        <label class="field"
          >Time zone
          <input list="zones" spellcheck="false" placeholder="the project’s: ${session.zone}" .value=${report.timeZone} @change=${this.write('timeZone')} />
        </label>
        <label class="field"
          >Numbers and dates as in
          <input list="locales" spellcheck="false" placeholder="en" .value=${report.locale} @change=${this.write('locale')} />
        </label>
      </div>
      <datalist id="zones">${ZONES.map(each => html`<option value=${each}></option>`)}</datalist>
      <datalist id="locales">${LOCALES.map(each => html`<option value=${each}></option>`)}</datalist>
      ${wrong(faults, 'report.time_range')} ${wrong(faults, 'report.time_zone')} ${wrong(faults, 'report.locale')}
      <details ?open=${!!report.filter}>
        <summary>Only events where…</summary>
        <tm-filter-builder
          .session=${session}
          .source=${Source.EVENTS}
          .filter=${report.filter}
          @change=${(event: CustomEvent<Filter | undefined>) => this.tell({ filter: event.detail })}
        ></tm-filter-builder>
      </details>
      ${wrong(faults, 'report.filter')} ${this.variables()} ${wrong(faults, 'report.variables')}
    `
  }

  private variables() {
    const known = Object.entries(this.report.variables)
    const put = (entries: [string, string][]) => this.tell({ variables: Object.fromEntries(entries) })
    const free = () => {
      let number = known.length + 1
      while (`variable_${number}` in this.report.variables) number++
      return `variable_${number}`
    }
    return html`<details ?open=${known.length > 0}>
      <summary>Variables for texts</summary>
      ${known.map(
        ([name, value], at) =>
          html`<div class="variable">
            <input
              aria-label="Name of variable ${at + 1}"
              maxlength="40"
              spellcheck="false"
              .value=${name}
              @change=${(event: Event) => put(known.with(at, [read(event), value]))}
            />
            <input
              aria-label="Value of ${name}"
              .value=${value}
              @change=${(event: Event) => put(known.with(at, [name, read(event)]))}
            />
            <button class="quiet icon-only" aria-label="Delete the variable ${name}" title="Delete" @click=${() => put(known.toSpliced(at, 1))}>
              ${icon('close')}
            </button>
          </div>`,
      )}
      ${
        known.length < 50
          ? html`<button class="quiet" @click=${() => put([...known, [free(), '']])}>${icon('add')} Variable</button>`
          : nothing
      }
    </details>`
  }

  private write(field: 'displayName' | 'description' | 'timeZone' | 'locale') {
    return (event: Event) => this.tell({ [field]: field === 'displayName' ? raw(event) : read(event) })
  }

  private tell(fields: Parameters<typeof changed>[1]) {
    this.dispatchEvent(new CustomEvent('change', { detail: changed(this.report, fields) }))
  }
}

function raw(event: Event): string {
  return (event.target as HTMLInputElement).value
}

function read(event: Event): string {
  return raw(event).trim()
}
