import { LitElement, css, html, nothing } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { create } from '@bufbuild/protobuf'
import { icon } from '../app/icons'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import '../explorer/complete'
import '../explorer/filter-builder'
import { values } from '../explorer/suggest'
import type { Dashboard, Variable } from '../gen/tidemark/v1/dashboard_pb'
import type { Suggestion } from '../gen/tidemark/v1/query_pb'
import { type Filter, Source, type TimeRange, TimeRangeSchema } from '../gen/tidemark/v1/question_pb'
import { read, size } from '../model/filter'
import { type Span, last, same } from '../model/range'
import type { View } from '../model/view'
import '../tiles/popup'
import './time-range'

const DAY = last(86_400)

/** What a reader chooses on a dashboard: the time, a comparison, a filter, and values of its variables. Dispatches `change` with the
 * new `View`. */
@customElement('tm-view-bar')
export class ViewBar extends LitElement {
  @property({ attribute: false }) session!: Session
  @property({ attribute: false }) dashboard!: Dashboard
  @property({ attribute: false }) view!: View
  /** The span that was answered. */
  @property({ attribute: false }) span?: Span
  @state() private offered: ReadonlyMap<string, Suggestion[]> = new Map()

  static override styles = [
    shared,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 6px;
      }
      [slot='trigger'] {
        display: inline-flex;
        min-width: 0;
        max-width: 260px;
        align-items: center;
        gap: 7px;
      }
      .on {
        color: var(--accent);
        font-weight: 600;
      }
      button[aria-pressed='true'] {
        border-color: var(--accent);
        background: var(--accent-soft);
      }
      .content {
        display: grid;
        gap: var(--space-2);
        width: min(420px, calc(100vw - 48px));
        padding: var(--space-2);
      }
      ul {
        display: grid;
        max-height: 300px;
        margin: 0;
        padding: 0;
        overflow-y: auto;
        list-style: none;
      }
      label.check {
        width: 100%;
        padding: 3px 4px;
        border-radius: 4px;
      }
      label.check:hover {
        background: var(--sunken);
      }
      .count {
        margin-left: auto;
        color: var(--muted);
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
      }
    `,
  ]

  override render() {
    const { dashboard, view } = this
    return html`
      <tm-time-range
        .range=${this.range}
        .zone=${dashboard.timeZone || this.session.zone}
        .span=${this.span}
        @change=${(event: CustomEvent<TimeRange>) => this.choose(event.detail)}
      ></tm-time-range>
      <button
        aria-pressed=${view.compared ? 'true' : 'false'}
        title="Compare everything with the period before"
        @click=${() => this.tell({ compared: !view.compared })}
      >
        ${icon('compare')} Compare
      </button>
      ${this.filter()} ${dashboard.variables.map(variable => this.variable(variable))}
    `
  }

  private get range(): TimeRange {
    return this.view.range ?? this.dashboard.timeRange ?? DAY
  }

  private choose(range: TimeRange) {
    const usual = same(range, this.dashboard.timeRange ?? DAY)
    this.tell({ range: usual ? undefined : create(TimeRangeSchema, range) })
  }

  private filter() {
    const conditions = size(read(this.view.filter))
    return html`<tm-popup look="" label="Filter">
      <span slot="trigger">
        ${icon('filter')} Filter ${conditions ? html`<span class="on">${conditions}</span>` : nothing}
      </span>
      <div class="content">
        <h3>Only events where</h3>
        <tm-filter-builder
          .session=${this.session}
          .source=${Source.EVENTS}
          .filter=${this.view.filter}
          @change=${(event: CustomEvent<Filter | undefined>) => this.tell({ filter: event.detail })}
        ></tm-filter-builder>
        ${
          conditions
            ? html`<div class="row"><button class="quiet" @click=${() => this.tell({ filter: undefined })}>Show all</button></div>`
            : nothing
        }
      </div>
    </tm-popup>`
  }

  private variable(variable: Variable) {
    const name = variable.displayName || variable.id
    const chosen = this.chosen(variable)
    const words =
      chosen.length === 0 ? 'all' : chosen.length === 1 ? chosen[0]! || '(none)' : `${chosen.length} chosen`
    return html`<tm-popup look="" label="${name}: ${words}" @tm-open=${() => void this.offer(variable)}>
      <span slot="trigger"><span class="muted">${name}:</span><span class="clip ${chosen.length ? 'on' : ''}">${words}</span></span>
      <div class="content">${this.options(variable, chosen)}</div>
    </tm-popup>`
  }

  private options(variable: Variable, chosen: readonly string[]) {
    const offered = this.offered.get(variable.id)
    const known = new Set(offered?.map(({ value }) => value))
    const all = [
      ...chosen.filter(value => !known.has(value)).map(value => ({ value, count: 0n })),
      ...(offered ?? []),
    ]
    const set = (now: readonly string[]) =>
      this.tell({ variables: new Map([...this.view.variables, [variable.id, now]]) })
    const toggle = (value: string) =>
      set(chosen.includes(value) ? chosen.filter(each => each !== value) : [...chosen, value])
    return html`
      <tm-complete
        label="Another value of ${variable.displayName || variable.id}"
        placeholder="add a value"
        .value=${''}
        .suggest=${values(this.session.project, Source.EVENTS, '', variable.field)}
        @change=${({ detail }: CustomEvent<string>) => detail && !chosen.includes(detail) && set([...chosen, detail])}
      ></tm-complete>
      <ul aria-label="Values">
        ${all.map(
          ({ value, count }) =>
            html`<li>
              <label class="check">
                <input type="checkbox" .checked=${chosen.includes(value)} @change=${() => toggle(value)} />
                <span class="clip">${value || '(none)'}</span>
                ${count ? html`<span class="count">${count}</span>` : nothing}
              </label>
            </li>`,
        )}
      </ul>
      ${offered ? nothing : html`<p class="muted small" role="status">Looking for values…</p>`}
      ${chosen.length ? html`<div class="row"><button class="quiet" @click=${() => set([])}>Show all</button></div>` : nothing}
    `
  }

  private chosen({ id, values }: Variable): readonly string[] {
    return this.view.variables.get(id) ?? values
  }

  /** Asks which values there are, each time that somebody opens the list. */
  private async offer({ id, field }: Variable) {
    const ask = values(this.session.project, Source.EVENTS, '', field)
    const found = await ask('', new AbortController().signal).catch(() => [])
    this.offered = new Map([...this.offered, [id, found]])
  }

  private tell(change: Partial<View>) {
    this.dispatchEvent(new CustomEvent('change', { detail: { ...this.view, ...change } }))
  }
}
