import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { timeField } from '../dashboard/display-form'
import { type Run, Run_State as State } from '../gen/tidemark/v1/edition_pb'
import type { TimeRange } from '../gen/tidemark/v1/question_pb'
import { NOTHING, number } from '../model/format'
import { Page } from '../page/page'
import { stop } from '../common/following'
import { idOf, span, when } from '../common/words'
import { editions } from './clients'
import { STATES, pending, reportOf, retriable } from './model/edition'

const PAGE = 20
/** So often it is looked again while something is under way, in milliseconds. */
const EVERY = 3_000

/** Runs of a report, or of all: those that made editions, those that failed and why, and slots that were left out. Dispatches `tm-work`
 * with the operation of a run that was begun anew. */
@customElement('tm-runs')
export class Runs extends Page {
  /** The report; with `-` as its last part, all of them. */
  @property() report = ''
  /** Read anew when it changes. */
  @property({ attribute: false }) round = 0
  @state() private runs?: Run[]
  @state() private more = ''
  @state() private wanted: State = State.UNSPECIFIED
  @state() private range?: TimeRange

  private timer?: ReturnType<typeof setTimeout>

  static override styles = [
    ...Page.styles,
    css`
      h2 {
        font-size: var(--text-large);
      }
      .actions {
        flex-wrap: nowrap;
        justify-content: flex-end;
      }
    `,
  ]

  override disconnectedCallback() {
    super.disconnectedCallback()
    clearTimeout(this.timer)
  }

  override willUpdate(changed: PropertyValues) {
    if (['session', 'report', 'round', 'wanted', 'range'].some(each => changed.has(each))) void this.load()
  }

  private get every(): boolean {
    return this.report.endsWith('/-')
  }

  override render() {
    const { zone } = this.session
    return html`
      <header class="row">
        ${this.every ? html`<h1>Runs</h1>` : html`<h2>Runs</h2>`}
        <span class="grow"></span>
        ${timeField('', this.range, { zone, usual: 'Any time' }, range => (this.range = range))}
        <select
          aria-label="State of runs"
          @change=${(event: Event) => (this.wanted = Number((event.target as HTMLSelectElement).value))}
        >
          <option value="0">any state</option>
          ${STATES.map(each => html`<option value=${each.value} ?selected=${each.value === this.wanted}>${each.title}</option>`)}
        </select>
        ${this.every ? html`<p class="muted">Every attempt to make an edition, and what came of it.</p>` : nothing}
      </header>
      ${this.trouble()} ${this.sheet('Runs', this.body())}
      ${this.more ? html`<button ?disabled=${this.busy} @click=${() => this.load(this.more)}>Show more</button>` : nothing}
    `
  }

  private body() {
    const { runs } = this
    if (!runs?.length)
      return this.empty(runs !== undefined, this.wanted || this.range ? 'No such runs' : 'It was not run yet')
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Asked for</th>
          ${this.every ? html`<th scope="col">Report</th>` : nothing}
          <th scope="col">By</th>
          <th scope="col">State</th>
          <th scope="col">When</th>
          <th scope="col" class="number">Editions</th>
          <th scope="col"><span class="hidden-text">Actions</span></th>
        </tr>
      </thead>
      <tbody>
        ${runs.map(each => this.row(each))}
      </tbody>
    </table>`
  }

  private row(run: Run) {
    const { zone } = this.session
    const { title = '', tone = '' } = STATES.find(({ value }) => value === run.state) ?? {}
    const report = idOf(reportOf(run.name))
    return html`<tr>
      <td>${when(run.createTime, zone)}</td>
      ${this.every ? html`<td class="text"><a href="/reports/all/${report}">${report}</a></td>` : nothing}
      <td>
        ${run.schedule ? html`${idOf(run.schedule)}<div class="small muted">slot ${when(run.slotTime, zone)}</div>` : 'hand'}
      </td>
      <td class="text">
        <span class="chip ${tone}">${title}</span>
        ${run.reason ? html`<div class="small ${tone === 'bad' ? 'bad-text' : 'muted'}">${run.reason}</div>` : nothing}
      </td>
      <td>${pending(run) ? when(run.createTime, zone) : span(run.createTime, run.endTime, zone)}</td>
      <td class="number">${run.editions.length ? number(run.editions.length) : NOTHING}</td>
      <td>${this.session.author ? this.actions(run) : nothing}</td>
    </tr>`
  }

  private actions(run: Run) {
    const of = `the run of ${when(run.createTime, this.session.zone)}`
    if (retriable(run))
      return html`<div class="row actions">
        <button ?disabled=${this.busy} aria-label="Retry ${of}" @click=${() => this.retry(run)}>Retry</button>
      </div>`
    if (!pending(run) || !run.operation) return nothing
    return html`<div class="row actions">
      <button ?disabled=${this.busy} aria-label="Cancel ${of}" @click=${() => this.cancel(run)}>Cancel</button>
    </div>`
  }

  private async retry({ name }: Run) {
    const again = await this.act(async () => {
      const { operation } = await editions.retryRun({ name })
      this.dispatchEvent(new CustomEvent('tm-work', { detail: operation }))
    })
    if (again) await this.load()
  }

  private async cancel({ operation }: Run) {
    if (await this.act(() => stop(operation))) await this.load()
  }

  private async load(pageToken = '') {
    const { report: parent, wanted, range: timeRange } = this
    await this.read(
      () =>
        editions.listRuns({ parent, states: wanted ? [wanted] : [], timeRange, pageSize: PAGE, pageToken }),
      ({ runs, nextPageToken }) => {
        this.runs = pageToken ? [...(this.runs ?? []), ...runs] : runs
        this.more = nextPageToken
      },
    )
    // What is under way is looked at again, unless somebody reads further down.
    clearTimeout(this.timer)
    const { runs = [] } = this
    if (this.isConnected && runs.length <= PAGE && runs.some(pending))
      this.timer = setTimeout(() => void this.load(), EVERY)
  }
}
