import { clone, create } from '@bufbuild/protobuf'
import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import { icon } from '../app/icons'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { displayForm, timeField } from '../dashboard/display-form'
import { check } from '../explorer/controls'
import '../explorer/query-editor'
import type { Display } from '../gen/tidemark/v1/dashboard_pb'
import { type Query, QuerySchema } from '../gen/tidemark/v1/question_pb'
import {
  type FiguresSection,
  type ForecastSection,
  type InsightsSection,
  type KeyFigure,
  type QuestionSection,
  type ReportFault,
  type Section,
  SectionSchema,
} from '../gen/tidemark/v1/report_pb'
import { SEVERITIES } from '../insights/model/words'
import { KINDS } from '../model/question'
import '../tiles/text'
import { amount, choice, forms, wrong } from './forms'
import { MOST_FIGURES, VIEWS, figure, nameOf, within } from './model/report'

/** So long after the last key the text counts as written, in milliseconds. */
const PAUSE = 500
const COVERAGES = [0.5, 0.8, 0.9, 0.95, 0.99].map(value => ({ value, title: `${value * 100}%` }))
const ASKED = KINDS.map(each => each.kind)

/** Edits one section of a report. Takes it with what is wrong with it; dispatches `change` with the section as it is to be. */
@customElement('tm-report-section')
export class SectionEditor extends LitElement {
  @property({ attribute: false }) session!: Session
  @property({ attribute: false }) section: Section = create(SectionSchema)
  /** What is wrong with the report. */
  @property({ attribute: false }) faults: ReportFault[] = []
  /** Ids that figures of the report have. */
  @property({ attribute: false }) taken: string[] = []
  /** Where the fields of this section are named among the faults. */
  @property() path = ''
  @property() zone = 'UTC'

  private draft: Section = create(SectionSchema)
  private timer?: ReturnType<typeof setTimeout>

  static override styles = [
    shared,
    forms,
    css`
      :host {
        display: grid;
        gap: var(--space-4);
      }
      .figure {
        display: grid;
        gap: var(--space-3);
        padding: var(--space-3);
        border: 1px solid var(--line);
        border-radius: var(--radius-small);
      }
      summary {
        cursor: pointer;
        color: var(--muted);
        font-size: var(--text-small);
      }
      details > * + * {
        margin-top: var(--space-3);
      }
      textarea {
        min-height: 140px;
        font-family: var(--mono);
        font-size: var(--text-small);
      }
      .known {
        padding: var(--space-3);
        border-radius: var(--radius-small);
        background: var(--sunken);
      }
      .known code {
        overflow-wrap: anywhere;
      }
      .add {
        justify-self: start;
      }
    `,
  ]

  override disconnectedCallback() {
    super.disconnectedCallback()
    clearTimeout(this.timer)
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('section')) this.draft = clone(SectionSchema, this.section)
  }

  override render() {
    const { draft } = this
    return html`
      <div class="pair">
        <label class="field"
          >Heading
          <input maxlength="200" .value=${draft.title} @change=${this.text(value => (draft.title = value))} />
        </label>
        <label class="field"
          >Id
          <input maxlength="40" spellcheck="false" .value=${draft.id} @change=${this.text(value => (draft.id = value))} />
        </label>
      </div>
      ${this.content()} ${this.wrong()}
      ${check('Begins a page', draft.newPage, on => this.change(() => (draft.newPage = on)))}
    `
  }

  private content() {
    const { content } = this.draft
    switch (content.case) {
      case 'text':
        return this.words(content.value)
      case 'question':
        return this.question(content.value)
      case 'figures':
        return this.figures(content.value)
      case 'insights':
        return this.findings(content.value)
      case 'forecast':
        return this.forecast(content.value)
      default:
        return html`<p class="muted">
          The ledger of the time, the watermark, the quality of the busiest events, and producers that fell silent.
        </p>`
    }
  }

  private words(holder: { text: string }) {
    const write = (event: Event) => {
      holder.text = (event.target as HTMLTextAreaElement).value
      clearTimeout(this.timer)
      // A text that is still being written is shown soon; one that is left, at once.
      this.timer = setTimeout(() => this.tell(), event.type === 'input' ? PAUSE : 0)
    }
    return html`
      <label class="field"
        >Text
        <textarea maxlength="20000" .value=${holder.text} @input=${write} @change=${write}></textarea>
      </label>
      <details>
        <summary>What may be written</summary>
        <div class="known small">
          <p>**bold**, *italic*, # heading, - item and [link](https://…).</p>
          <p>
            Figures of this report by their ids, as in <code>{{ figures.figure_1.value | number }}</code> or
            <code>{{ figures.figure_1 | change }}</code>, variables, as in <code>{{ variables.team }}</code>, and the names
            <code>range</code>, <code>report</code> and <code>project</code>.
          </p>
        </div>
      </details>
    `
  }

  private question(holder: QuestionSection) {
    const query = holder.query ?? create(QuerySchema)
    return html`
      ${this.asked(holder, ASKED, true)}
      <div class="pair">
        ${displayForm(query, holder.display, this.drawn(holder))}
        ${choice('Shows', VIEWS, holder.view, view => this.change(() => (holder.view = view)))}
        ${this.time(holder, 'As the report')}
      </div>
    `
  }

  private figures(holder: FiguresSection) {
    const { figures } = holder
    const add = () => this.change(() => figures.push(figure([...this.taken, ...figures.map(({ id }) => id)])))
    return html`
      ${figures.map((each, at) => this.figure(figures, each, at))}
      ${figures.length < MOST_FIGURES ? html`<button class="add" @click=${add}>${icon('add')} Figure</button>` : nothing}
    `
  }

  private figure(figures: KeyFigure[], holder: KeyFigure, at: number) {
    const title = nameOf(holder)
    return html`<section class="figure" aria-label=${title}>
      <div class="row">
        <h2 class="grow clip">${title}</h2>
        ${
          figures.length > 1
            ? html`<button class="quiet icon-only" aria-label="Remove ${title}" title="Remove" @click=${() => this.change(() => figures.splice(at, 1))}>
                ${icon('close')}
              </button>`
            : nothing
        }
      </div>
      <div class="pair">
        <label class="field"
          >Title
          <input maxlength="100" .value=${holder.title} @change=${this.text(value => (holder.title = value))} />
        </label>
        <label class="field"
          >Id, for texts
          <input maxlength="40" spellcheck="false" .value=${holder.id} @change=${this.text(value => (holder.id = value))} />
        </label>
      </div>
      ${this.asked(holder, ['series'], false)} ${wrong(this.faults, this.placeOf(at))}
      <details>
        <summary>How it is written, and its time</summary>
        <div class="pair">
          ${displayForm(undefined, holder.display, this.drawn(holder))} ${this.time(holder, 'As the report')}
          ${check('Beside the period before', !holder.noComparison, on => this.change(() => (holder.noComparison = !on)))}
        </div>
      </details>
    </section>`
  }

  private findings(holder: InsightsSection) {
    return html`<div class="pair">
      ${choice('At least so bad', SEVERITIES, holder.leastSeverity || SEVERITIES[0]!.value, value => this.change(() => (holder.leastSeverity = value)))}
      ${amount('How many at most', holder.limit, { most: 50, usual: '10' }, value => this.change(() => (holder.limit = value)))}
    </div>`
  }

  private forecast(holder: ForecastSection) {
    return html`
      ${this.asked(holder, ['series'], false)}
      <div class="pair">
        ${amount('Buckets ahead', holder.horizon, { most: 1000, usual: 'a season' }, value => this.change(() => (holder.horizon = Math.round(value))))}
        ${choice('Share the band is to hold', COVERAGES, holder.coverage || 0.9, value => this.change(() => (holder.coverage = value)))}
        ${displayForm(undefined, holder.display, this.drawn(holder))} ${this.time(holder, 'Eight times the report’s')}
      </div>
    `
  }

  /** What is wrong with the section; with a figure, it is told there. */
  private wrong() {
    const { content } = this.section
    const figures = content.case === 'figures' ? content.value.figures.length : 0
    const told = Array.from({ length: figures }, (_, at) => this.placeOf(at))
    const rest = this.faults.filter(fault => !told.some(path => within([fault], path).length))
    return wrong(rest, this.path)
  }

  private placeOf(figure: number) {
    return `${this.path}.figures.figures[${figure}]`
  }

  private asked(holder: { query?: Query }, kinds: readonly string[], comparable: boolean) {
    return html`<tm-query-editor
        .session=${this.session}
        .query=${holder.query}
        .kinds=${kinds}
        .comparable=${comparable}
        @change=${(event: CustomEvent<Query>) => this.change(() => (holder.query = event.detail))}
      ></tm-query-editor>`
  }

  private time(holder: { query?: Query }, usual: string) {
    return timeField('Time', holder.query?.timeRange, { zone: this.zone, usual }, timeRange =>
      this.change(
        () => (holder.query = create(QuerySchema, { ...(holder.query ?? create(QuerySchema)), timeRange })),
      ),
    )
  }

  private drawn(holder: { display?: Display }) {
    return (display: Display) => this.change(() => (holder.display = display))
  }

  private text(set: (value: string) => void) {
    return (event: Event) => this.change(() => set((event.target as HTMLInputElement).value.trim()))
  }

  private change(how: () => unknown) {
    how()
    this.requestUpdate()
    this.tell()
  }

  private tell() {
    this.dispatchEvent(new CustomEvent('change', { detail: clone(SectionSchema, this.draft) }))
  }
}
