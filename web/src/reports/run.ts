import { css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { idOf } from '../common/words'
import { timeField } from '../dashboard/display-form'
import '../explorer/filter-builder'
import type { Destination } from '../gen/tidemark/v1/delivery_pb'
import { type Filter, Source, type TimeRange } from '../gen/tidemark/v1/question_pb'
import { type Report, ReportFormat } from '../gen/tidemark/v1/report_pb'
import { Page } from '../page/page'
import { deliveries, editions } from './clients'
import { formatTicks, forms, ticks } from './forms'

/** Asks how an edition is to be made, and begins it. Opened by `show`; dispatches `tm-work` with the operation. */
@customElement('tm-run')
export class RunForm extends Page {
  @property({ attribute: false }) report!: Report
  @state() private formats: ReportFormat[] = [ReportFormat.PDF]
  @state() private range?: TimeRange
  @state() private filter?: Filter
  @state() private chosen: string[] = []
  @state() private offered: Destination[] = []
  @query('dialog') private dialog!: HTMLDialogElement

  static override styles = [
    ...Page.styles,
    forms,
    css`
      dialog form {
        width: min(520px, 80vw);
      }
      summary {
        cursor: pointer;
        color: var(--muted);
        font-size: var(--text-small);
      }
      details tm-filter-builder {
        margin-top: var(--space-2);
      }
    `,
  ]

  async show() {
    this.dialog.showModal()
    await this.act(async () => {
      const { destinations } = await deliveries.listDestinations({ parent: this.session.project })
      this.offered = destinations
    })
  }

  override render() {
    const { session, report, formats, offered } = this
    const zone = report.timeZone || session.zone
    const places = offered.map(({ name, displayName }) => ({ value: name, title: displayName || idOf(name) }))
    return html`<dialog aria-labelledby="run-title">
      <form method="dialog" @submit=${this.run}>
        <h2 id="run-title">Make an edition of “${report.displayName}”</h2>
        ${formatTicks('Files', formats, chosen => (this.formats = chosen))}
        ${timeField('Time it tells of', this.range, { zone, usual: 'As the report' }, range => (this.range = range))}
        <details>
          <summary>Only events where…</summary>
          <tm-filter-builder
            .session=${session}
            .source=${Source.EVENTS}
            .filter=${this.filter}
            @change=${(event: CustomEvent<Filter | undefined>) => (this.filter = event.detail)}
          ></tm-filter-builder>
        </details>
        ${places.length ? ticks('Brought to', places, this.chosen, chosen => (this.chosen = chosen)) : nothing} ${this.trouble()}
        <div class="row ends">
          <button type="button" @click=${() => this.dialog.close()}>Cancel</button>
          <button class="primary" ?disabled=${this.busy || !formats.length}>Run</button>
        </div>
      </form>
    </dialog>`
  }

  private run = async (event: SubmitEvent) => {
    event.preventDefault()
    const { formats, range: timeRange, filter, chosen: destinations } = this
    const request = {
      name: this.report.name,
      formats,
      timeRange,
      filter,
      destinations,
      requestId: crypto.randomUUID(),
    }
    await this.act(async () => {
      const { operation } = await editions.runReport(request)
      this.dialog.close()
      this.dispatchEvent(new CustomEvent('tm-work', { detail: operation }))
    })
  }
}
