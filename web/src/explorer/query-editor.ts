import { clone, equals } from '@bufbuild/protobuf'
import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { cohorts } from '../client/transport'
import type { Cohort } from '../gen/tidemark/v1/cohort_pb'
import { type Query, QuerySchema } from '../gen/tidemark/v1/question_pb'
import { KINDS, type Kind, first, turned } from '../model/question'
import {
  funnelForm,
  lifecycleForm,
  pathsForm,
  peopleForm,
  retentionForm,
  sessionsForm,
  windowForm,
} from './behaviour'
import { type Form, filter, part } from './controls'
import { seriesForm, tableForm } from './measures'

/** Edits a question of any kind. Takes a `Query` and dispatches `change` with a new one as `detail`; the time range is left as
 * it is, for its own element to change. */
@customElement('tm-query-editor')
export class QueryEditor extends LitElement {
  @property({ attribute: false }) query: Query = first()
  @property({ attribute: false }) session!: Session
  /** What kinds of questions may be asked. */
  @property({ attribute: false }) kinds: readonly Kind[] = KINDS.map(each => each.kind)
  /** Whether an answer may be compared with the period before: alerts and forecasts have no use for it. */
  @property({ attribute: false }) comparable = true
  @state() private draft: Query = first()
  @state() private offered: Cohort[] = []

  private known?: Promise<void>

  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        gap: var(--space-4);
      }
      .kinds {
        display: grid;
        grid-template-columns: repeat(3, 1fr);
        gap: 4px;
        padding: 0;
        margin: 0;
        border: 0;
      }
      .kinds button {
        min-height: 30px;
        padding: 0 6px;
        border-color: transparent;
        background: var(--sunken);
        color: var(--muted);
      }
      .kinds button[aria-pressed='true'] {
        border-color: var(--accent);
        background: var(--accent-soft);
        color: var(--text);
      }
      .part {
        display: grid;
        gap: 6px;
        min-width: 0;
      }
      h2 {
        font-size: var(--text-small);
        color: var(--muted);
      }
      .measure {
        display: grid;
        gap: 6px;
        padding: 8px;
        border: 1px solid var(--line);
        border-radius: var(--radius-small);
        min-width: 0;
      }
      .measure.row {
        display: flex;
      }
      .measure .row {
        flex-wrap: nowrap;
        gap: 6px;
      }
      tm-complete.grow {
        flex: 1 1 90px;
      }
      .letter {
        display: inline-grid;
        place-items: center;
        flex: none;
        min-width: 22px;
        height: 22px;
        border-radius: 5px;
        background: var(--accent-soft);
        color: var(--accent);
        font-size: var(--text-small);
        font-weight: 650;
      }
      .line {
        display: flex;
        flex-wrap: wrap;
        gap: 4px var(--space-2);
        align-items: center;
        justify-content: space-between;
      }
      .short {
        width: 76px;
      }
      .code {
        font-family: var(--mono);
        font-size: var(--text-small);
      }
      .add {
        justify-self: start;
        min-height: 26px;
        padding: 0 7px;
        font-size: var(--text-small);
      }
      .chip.value {
        padding-right: 2px;
        color: var(--text);
      }
      .chip.value button {
        width: 18px;
        min-height: 18px;
      }
      .narrowing summary {
        display: inline-flex;
        align-items: center;
        gap: 3px;
        color: var(--muted);
        font-size: var(--text-small);
        cursor: pointer;
        list-style: none;
      }
      .narrowing summary::-webkit-details-marker {
        display: none;
      }
      .narrowing summary svg {
        width: 12px;
        height: 12px;
      }
      .narrowing[open] summary svg {
        transform: rotate(90deg);
      }
      .narrowing tm-filter-builder {
        margin-top: 6px;
      }
    `,
  ]

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('query') && !equals(QuerySchema, this.query, this.draft))
      this.draft = clone(QuerySchema, this.query.question.case ? this.query : turned(this.query, 'series'))
  }

  override render() {
    const { case: kind } = this.draft.question
    return html`
      ${
        this.kinds.length > 1
          ? html`<div class="kinds" role="group" aria-label="Kind of question">
              ${KINDS.filter(each => this.kinds.includes(each.kind)).map(
                each =>
                  html`<button
                    title=${each.hint}
                    aria-pressed=${each.kind === kind ? 'true' : 'false'}
                    @click=${() => this.turn(each.kind)}
                  >
                    ${each.title}
                  </button>`,
              )}
            </div>`
          : nothing
      }
      ${this.form({ session: this.session, changed: this.changed, comparable: this.comparable })}
    `
  }

  private form(form: Form) {
    const { question } = this.draft
    switch (question.case) {
      case 'series':
        return seriesForm(form, question.value)
      case 'table':
        return tableForm(form, question.value)
      case 'funnel':
        return funnelForm(form, question.value)
      case 'retention':
        return retentionForm(form, question.value)
      case 'lifecycle':
        return lifecycleForm(form, question.value)
      case 'sessions':
        return sessionsForm(form, question.value)
      case 'paths':
        return pathsForm(form, question.value)
      case 'people':
        return peopleForm(form, question.value, this.offered)
      case 'events': {
        const { value } = question
        const set = (filtered: typeof value.filter) => {
          value.filter = filtered
          this.changed()
        }
        return part('Events where', filter(form, {}, value.filter, set))
      }
      case 'window':
        return windowForm(form, question.value)
      case undefined:
        return null
    }
  }

  private turn(kind: Kind) {
    this.draft = turned(this.draft, kind)
    this.changed()
  }

  override updated() {
    if (this.draft.question.case === 'people') this.known ??= this.learn()
  }

  private async learn() {
    const request = { parent: this.session.project, pageSize: 1000 }
    const page = await cohorts.listCohorts(request).catch(() => undefined)
    this.offered = page?.cohorts ?? []
  }

  /** The forms change the draft; others are given a copy, so that what they hold stays as it is. */
  private changed = () => {
    this.requestUpdate()
    this.dispatchEvent(new CustomEvent('change', { detail: clone(QuerySchema, this.draft) }))
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'tm-query-editor': QueryEditor
  }
}
