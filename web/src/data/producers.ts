import { timestampMs } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import type { ListProducersResponse, ProducerStatus } from '../gen/tidemark/v1/pipeline_pb'
import { NOTHING, number, roughly } from '../model/format'
import { pipeline } from './clients'
import { Page } from '../page/page'

const COUNTS: [title: string, of: (producer: ProducerStatus) => bigint][] = [
  ['Received', each => each.receivedCount],
  ['Stored', each => each.storedCount],
  ['Duplicate', each => each.duplicateCount],
  ['Rejected', each => each.rejectedCount],
  ['Dead-lettered', each => each.deadLetteredCount],
]

/** Who sends, and what became of it in the last hour. */
@customElement('tm-data-producers')
export class ProducersPage extends Page {
  @state() private producers?: ProducerStatus[]
  @state() private more = ''

  override willUpdate(changed: PropertyValues) {
    if (changed.has('session')) void this.load()
  }

  override render() {
    return html`
      <header class="row">
        <h1>Producers</h1>
        <span class="grow"></span>
        <button ?disabled=${this.busy} @click=${() => this.load()}>Refresh</button>
        <p class="muted">Who sends, the last one first. The counts are of the last hour.</p>
      </header>
      ${this.trouble()}
      ${this.sheet('Producers', this.body())}
      ${this.more ? html`<button ?disabled=${this.busy} @click=${() => this.load(this.more)}>Show more</button>` : nothing}
    `
  }

  private body() {
    const { producers } = this
    if (!producers?.length)
      return this.empty(
        producers !== undefined,
        'Nobody has sent anything yet',
        'What sends appears here by itself.',
      )
    const now = Date.now()
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Producer</th>
          <th scope="col">Door</th>
          <th scope="col" class="number">Partition</th>
          <th scope="col">Last batch</th>
          <th scope="col" class="number">Epoch</th>
          <th scope="col" class="number">Sequence</th>
          ${COUNTS.map(([title]) => html`<th scope="col" class="number">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${producers.map(
          each =>
            html`<tr>
              <td class="text">${each.producerId}</td>
              <td class="muted">${each.source}</td>
              <td class="number">${each.partition}</td>
              <td>${each.lastReceivedAt ? `${roughly((now - timestampMs(each.lastReceivedAt)) / 1000)} ago` : NOTHING}</td>
              <td class="number">${each.epoch ? String(each.epoch) : NOTHING}</td>
              <td class="number">${each.epoch ? number(each.sequence) : NOTHING}</td>
              ${COUNTS.map(([, of]) => html`<td class="number">${number(of(each))}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private async load(pageToken = '') {
    await this.act(async () => {
      const page: ListProducersResponse = await pipeline.listProducers({
        project: this.session.project,
        pageSize: 100,
        pageToken,
      })
      this.producers = pageToken ? [...(this.producers ?? []), ...page.producers] : page.producers
      this.more = page.nextPageToken
    })
  }
}
