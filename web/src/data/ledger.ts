import { timestampMs } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { queries } from '../client/transport'
import '../dashboard/time-range'
import type { GetLedgerResponse, LedgerEntry } from '../gen/tidemark/v1/query_pb'
import type { TimeRange } from '../gen/tidemark/v1/question_pb'
import { bucket, number } from '../model/format'
import { last } from '../model/range'
import { Page } from '../page/page'

const MINUTE = 60_000
const PAGE = 200

/** The account: what was received, minute by minute and producer by producer, and what became of it. */
@customElement('tm-data-ledger')
export class LedgerPage extends Page {
  @state() private range: TimeRange = last(86_400)
  @state() private producer = ''
  @state() private ledger?: GetLedgerResponse
  @state() private entries: LedgerEntry[] = []

  static override styles = [
    ...Page.styles,
    css`
      tfoot td {
        font-weight: 600;
      }
      input {
        width: min(240px, 100%);
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (changed.has('session') || changed.has('range') || changed.has('producer')) void this.load()
  }

  override render() {
    const { ledger } = this
    return html`
      <header class="row">
        <h1>Ledger</h1>
        ${ledger ? this.verdict(ledger) : nothing}
        <span class="grow"></span>
        <input
          type="search"
          aria-label="Only this producer"
          placeholder="Producer, exactly"
          .value=${this.producer}
          @change=${(event: Event) => (this.producer = (event.target as HTMLInputElement).value.trim())}
        />
        <tm-time-range
          .range=${this.range}
          .zone=${this.session.zone}
          @change=${(event: CustomEvent<TimeRange>) => (this.range = event.detail)}
        ></tm-time-range>
        <p class="muted">
          Everything received is stored, or known before, or refused, or kept aside; what is in flight is durable and not yet
          committed. The rows stored are counted in the database as well.
        </p>
      </header>
      ${this.trouble()}
      ${this.sheet('Ledger', this.body())}
      ${
        ledger?.nextPageToken
          ? html`<button ?disabled=${this.busy} @click=${() => this.load(ledger.nextPageToken)}>Show more</button>`
          : nothing
      }
    `
  }

  private verdict({ balanced }: GetLedgerResponse) {
    return html`<span class="chip ${balanced ? 'good' : 'bad'}" role="status">${balanced ? 'balanced' : 'not balanced'}</span>`
  }

  private body() {
    const { ledger, entries } = this
    if (!ledger || (entries.length === 0 && !ledger.total?.received))
      return this.empty(ledger !== undefined, 'Nothing was received in this time')
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Minute</th>
          <th scope="col">Producer</th>
          ${['Received', 'Stored', 'Duplicate', 'Rejected', 'Dead-lettered', 'In flight'].map(
            title => html`<th scope="col" class="number">${title}</th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${entries.map(
          each =>
            html`<tr>
              <td>${each.minute ? bucket(timestampMs(each.minute), MINUTE, this.session.zone) : ''}</td>
              <td class="text">${each.producerId}</td>
              ${amounts(each)}
            </tr>`,
        )}
      </tbody>
      <tfoot>
        <tr>
          <td colspan="2">Total of all</td>
          ${ledger.total ? amounts(ledger.total) : nothing}
        </tr>
      </tfoot>
    </table>`
  }

  private async load(pageToken = '') {
    const { project } = this.session
    const { range: timeRange, producer: producerId } = this
    await this.read(
      () => queries.getLedger({ project, timeRange, producerId, pageSize: PAGE, pageToken }),
      found => {
        this.ledger = found
        this.entries = pageToken ? [...this.entries, ...found.entries] : found.entries
      },
    )
  }
}

function amounts(entry: LedgerEntry) {
  const { received, stored, duplicate, rejected, deadLettered, inFlight } = entry
  return [received, stored, duplicate, rejected, deadLettered, inFlight].map(
    count => html`<td class="number">${number(count)}</td>`,
  )
}
