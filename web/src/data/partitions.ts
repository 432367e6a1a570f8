import { type Duration, timestampMs } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { queries } from '../client/transport'
import type { PartitionAnalytics } from '../gen/tidemark/v1/query_pb'
import { NOTHING, bytes, duration, number, roughly } from '../model/format'
import { letters } from './clients'
import { Page } from '../page/page'

const EVERY = 2_000
const LATE_SECONDS = 5

/** The shards of the log: who writes each, what waits in it, and which are paused. Asks again every two seconds while it is seen. */
@customElement('tm-data-partitions')
export class PartitionsPage extends Page {
  @state() private partitions?: PartitionAnalytics[]
  private timer?: ReturnType<typeof setTimeout>

  override connectedCallback() {
    super.connectedCallback()
    document.addEventListener('visibilitychange', this.ask)
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    document.removeEventListener('visibilitychange', this.ask)
    clearTimeout(this.timer)
  }

  override willUpdate(changed: PropertyValues) {
    if (changed.has('session')) void this.ask()
  }

  override render() {
    return html`
      <header class="row">
        <h1>Partitions</h1>
        <p class="muted">
          The shards of the log. A writer owns each; what waits is durable and not yet committed. One pauses by itself when too much of
          it cannot be stored.
        </p>
      </header>
      ${this.trouble()}
      ${this.sheet('Partitions', this.body())}
    `
  }

  private body() {
    const { partitions } = this
    if (!partitions?.length) return this.empty(partitions !== undefined, 'There are no partitions')
    const now = Date.now()
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Partition</th>
          <th scope="col">State</th>
          <th scope="col">Writer</th>
          <th scope="col" class="number">Waiting</th>
          <th scope="col" class="number">Bytes</th>
          <th scope="col" class="number">Lag</th>
          <th scope="col">Complete to</th>
          <th scope="col"><span class="hidden-text">Actions</span></th>
        </tr>
      </thead>
      <tbody>
        ${partitions.map(each => {
          const { tone, words } = standing(each)
          return html`<tr>
            <td>${each.partition}</td>
            <td class=${each.pausedBecause ? 'text' : ''}><span class="chip ${tone}">${words}</span> ${each.pausedBecause}</td>
            <td>${each.writer || NOTHING}</td>
            <td class="number">${number(each.backlogEvents)}</td>
            <td class="number">${bytes(Number(each.backlogBytes))}</td>
            <td class="number">${duration(seconds(each.lag))}</td>
            <td>${each.watermark ? `${roughly(Math.max(0, now - timestampMs(each.watermark)) / 1000)} ago` : NOTHING}</td>
            <td>${each.pausedBecause && this.session.operator ? this.resume(each.partition) : nothing}</td>
          </tr>`
        })}
      </tbody>
    </table>`
  }

  private resume(partition: number) {
    const go = async () => {
      if (await this.act(() => letters.resumePartition({ partition }))) await this.ask()
    }
    return html`<button ?disabled=${this.busy} title="What cannot be stored becomes dead letters" @click=${go}>Resume</button>`
  }

  private ask = async () => {
    clearTimeout(this.timer)
    if (!this.isConnected || document.hidden) return
    const { project } = this.session
    await this.act(async () => {
      this.partitions = (await queries.getPlatformAnalytics({ project })).processing?.partitions ?? []
    })
    if (this.isConnected) this.timer = setTimeout(this.ask, EVERY)
  }
}

/** How a partition stands, in a word. */
export function standing(partition: PartitionAnalytics): {
  tone: '' | 'good' | 'warn' | 'bad'
  words: string
} {
  if (partition.pausedBecause) return { tone: 'bad', words: 'paused' }
  if (!partition.writer) return { tone: 'bad', words: 'no writer' }
  return seconds(partition.lag) > LATE_SECONDS
    ? { tone: 'warn', words: 'behind' }
    : { tone: 'good', words: 'up to date' }
}

function seconds(length: Duration | undefined): number {
  return length ? Number(length.seconds) + length.nanos / 1e9 : 0
}
