import { clone, create } from '@bufbuild/protobuf'
import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt'
import { LitElement, css, html } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import '../explorer/complete'
import '../explorer/filter-builder'
import { fields } from '../explorer/suggest'
import {
  type Dashboard,
  DashboardSchema,
  type Variable,
  VariableSchema,
} from '../gen/tidemark/v1/dashboard_pb'
import { type Filter, Source, type TimeRange } from '../gen/tidemark/v1/question_pb'
import { leaf } from '../model/measures'
import { last } from '../model/range'
import './time-range'

const PACES: [title: string, milliseconds: number][] = [
  ['At once', 0],
  ['Every second', 1_000],
  ['Every 5 seconds', 5_000],
  ['Every 30 seconds', 30_000],
  ['Every 5 minutes', 300_000],
]
const MOST_VARIABLES = 10

/** What holds for a whole dashboard: its name, its time, its filter, its variables. Opened by `show`; dispatches `tm-done` with the
 * dashboard as it is to be. */
@customElement('tm-settings')
export class Settings extends LitElement {
  @property({ attribute: false }) session!: Session
  @state() private draft: Dashboard = create(DashboardSchema)
  @query('dialog') private dialog!: HTMLDialogElement

  static override styles = [
    shared,
    css`
      dialog {
        width: min(600px, calc(100vw - 24px));
        max-width: none;
      }
      form {
        display: grid;
        gap: var(--space-4);
      }
      textarea {
        min-height: 60px;
        resize: vertical;
      }
      section {
        display: grid;
        gap: 6px;
      }
      .variable {
        display: grid;
        grid-template-columns: 1fr 1fr auto;
        gap: 6px;
      }
      .ends {
        justify-content: flex-end;
      }
    `,
  ]

  /** Opens the dialog with a copy of a dashboard. */
  async show(dashboard: Dashboard) {
    this.draft = clone(DashboardSchema, dashboard)
    await this.updateComplete
    this.dialog.showModal()
  }

  override render() {
    const { draft } = this
    const write = (field: 'displayName' | 'description') => (event: Event) => {
      draft[field] = (event.target as HTMLInputElement).value
    }
    return html`<dialog aria-labelledby="heading">
      <form @submit=${(event: SubmitEvent) => this.done(event)}>
        <h2 id="heading">Settings of the dashboard</h2>
        <label class="field">
          Name <input required maxlength="100" .value=${draft.displayName} @input=${write('displayName')} />
        </label>
        <label class="field">
          What it is for
          <textarea maxlength="1000" .value=${draft.description} @input=${write('description')}></textarea>
        </label>
        <section>
          <h3>Time that it shows at first</h3>
          <div class="row">
            <tm-time-range
              .range=${draft.timeRange ?? last(86_400)}
              .zone=${draft.timeZone || this.session.zone}
              @change=${(event: CustomEvent<TimeRange>) => this.change({ timeRange: event.detail })}
            ></tm-time-range>
            ${this.paces()}
          </div>
        </section>
        <section>
          <h3>Only events where; \$name stands for what is chosen for a variable</h3>
          <tm-filter-builder
            .session=${this.session}
            .source=${Source.EVENTS}
            .filter=${draft.filter}
            @change=${(event: CustomEvent<Filter | undefined>) => this.change({ filter: event.detail })}
          ></tm-filter-builder>
        </section>
        ${this.variables()}
        <div class="row ends">
          <button type="button" @click=${() => this.dialog.close()}>Cancel</button>
          <button class="primary">Done</button>
        </div>
      </form>
    </dialog>`
  }

  private paces() {
    const now = this.draft.refresh ? durationMs(this.draft.refresh) : 0
    const pick = (event: Event) => {
      const pace = PACES[(event.target as HTMLSelectElement).selectedIndex]![1]
      this.change({ refresh: pace ? durationFromMs(pace) : undefined })
    }
    return html`<select aria-label="How often it is brought up to date" @change=${pick}>
      ${PACES.map(([title, pace]) => html`<option ?selected=${pace === now}>Updated: ${title.toLowerCase()}</option>`)}
    </select>`
  }

  private variables() {
    const { variables } = this.draft
    const put = (at: number, variable: Variable) => this.change({ variables: variables.with(at, variable) })
    return html`<section>
      <h3>Variables</h3>
      ${variables.map(
        (variable, at) =>
          html`<div class="variable">
            <tm-complete
              label="Field of the variable"
              placeholder="field"
              .value=${variable.field}
              .suggest=${fields(this.session.project, Source.EVENTS, '')}
              @change=${({ detail }: CustomEvent<string>) => put(at, this.of(variable, detail, at))}
            ></tm-complete>
            <input
              aria-label="Name of the variable"
              placeholder="name"
              maxlength="100"
              .value=${variable.displayName}
              @change=${(event: Event) =>
                put(
                  at,
                  create(VariableSchema, {
                    ...variable,
                    displayName: (event.target as HTMLInputElement).value,
                  }),
                )}
            />
            <button
              type="button"
              class="quiet icon-only"
              aria-label="Delete the variable ${variable.displayName || variable.id}"
              @click=${() => this.change({ variables: variables.toSpliced(at, 1) })}
            >
              ${icon('close')}
            </button>
            ${variable.id ? html`<span class="muted small">\$${variable.id} in filters</span>` : ''}
          </div>`,
      )}
      ${
        variables.length < MOST_VARIABLES
          ? html`<div class="row">
              <button
                type="button"
                class="quiet"
                @click=${() => this.change({ variables: [...variables, create(VariableSchema)] })}
              >
                ${icon('add')} Variable
              </button>
            </div>`
          : ''
      }
    </section>`
  }

  /** A variable of a field; its id, once it has one, stays: filters name it. */
  private of(variable: Variable, field: string, at: number): Variable {
    const taken = new Set(this.draft.variables.filter((_, place) => place !== at).map(({ id }) => id))
    const plain =
      leaf(field)
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '_')
        .slice(0, 36) || 'variable'
    let id = variable.id || plain
    for (let number = 2; taken.has(id); number++) id = `${plain}_${number}`
    return create(VariableSchema, {
      ...variable,
      id,
      field,
      displayName: variable.displayName || leaf(field),
    })
  }

  private change(fields: Partial<Pick<Dashboard, 'timeRange' | 'filter' | 'refresh' | 'variables'>>) {
    Object.assign(this.draft, fields)
    this.requestUpdate()
  }

  private done(event: SubmitEvent) {
    event.preventDefault()
    this.draft.variables = this.draft.variables.filter(({ field }) => field)
    this.dialog.close()
    this.dispatchEvent(new CustomEvent('tm-done', { detail: this.draft }))
  }
}
