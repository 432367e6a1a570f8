import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { Notification_State as State } from '../gen/tidemark/v1/alert_pb'
import type { Delivery } from '../gen/tidemark/v1/delivery_pb'
import { NOTIFICATIONS } from '../insights/model/alert'
import { Page } from '../page/page'
import { triesOf } from '../common/tries'
import { idOf, when } from '../common/words'
import { deliveries } from './clients'
import { formatsOf, reportOf } from './model/edition'

const PAGE = 20
/** So often it is looked again while something is under way, in milliseconds. */
const EVERY = 3_000

/** Editions on their way, of one report or of all, each with every try; those that ended can be delivered again. */
@customElement('tm-deliveries')
export class Deliveries extends Page {
  /** Only of this report; all when empty. */
  @property() of = ''
  /** Read anew when it changes. */
  @property({ attribute: false }) round = 0
  @state() private deliveries?: Delivery[]
  @state() private more = ''
  @state() private wanted: State = State.UNSPECIFIED

  private timer?: ReturnType<typeof setTimeout>

  static override styles = [
    ...Page.styles,
    css`
      h2 {
        font-size: var(--text-large);
      }
      summary {
        cursor: pointer;
      }
      ol {
        margin: 4px 0 0;
        padding-left: 18px;
      }
    `,
  ]

  override disconnectedCallback() {
    super.disconnectedCallback()
    clearTimeout(this.timer)
  }

  override willUpdate(changed: PropertyValues) {
    if (['session', 'of', 'round', 'wanted'].some(each => changed.has(each))) void this.load()
  }

  override render() {
    return html`
      <header class="row">
        ${this.of ? html`<h2>Deliveries</h2>` : html`<h1>Deliveries</h1>`}
        <span class="grow"></span>
        <select
          aria-label="State of deliveries"
          @change=${(event: Event) => (this.wanted = Number((event.target as HTMLSelectElement).value))}
        >
          <option value="0">any state</option>
          ${NOTIFICATIONS.map(each => html`<option value=${each.value} ?selected=${each.value === this.wanted}>${each.title}</option>`)}
        </select>
        ${this.of ? nothing : html`<p class="muted">Editions on their way to <a href="/reports/destinations">destinations</a>. Each is tried until it was taken or a day is over.</p>`}
      </header>
      ${this.trouble()} ${this.sheet('Deliveries', this.body())}
      ${this.more ? html`<button ?disabled=${this.busy} @click=${() => this.load(this.more)}>Show more</button>` : nothing}
    `
  }

  private body() {
    const { deliveries: listed } = this
    if (!listed?.length)
      return this.empty(
        listed !== undefined,
        this.wanted ? 'No such deliveries' : 'Nothing was delivered yet',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Made</th>
          <th scope="col">Edition</th>
          <th scope="col">To</th>
          <th scope="col">Files</th>
          <th scope="col">State</th>
          <th scope="col">Delivered or next try</th>
          <th scope="col">Tries</th>
          ${this.session.author ? html`<th scope="col"><span class="hidden-text">Actions</span></th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${listed.map(each => this.row(each))}
      </tbody>
    </table>`
  }

  private row(delivery: Delivery) {
    const { zone } = this.session
    const { title = '', tone = '' } = NOTIFICATIONS.find(({ value }) => value === delivery.state) ?? {}
    const report = idOf(reportOf(delivery.edition))
    return html`<tr>
      <td>${when(delivery.createTime, zone)}</td>
      <td class="text">
        <a href="/reports/all/${report}">${report}</a>
        <div class="small muted">${idOf(delivery.edition)}</div>
      </td>
      <td class="text">${idOf(delivery.destination)}</td>
      <td>${formatsOf(delivery.formats)}</td>
      <td><span class="chip ${tone}">${title}</span></td>
      <td>${when(delivery.deliverTime ?? delivery.nextTime, zone)}</td>
      <td class="text">${triesOf(delivery, zone)}</td>
      ${this.session.author ? html`<td>${this.again(delivery, title)}</td>` : nothing}
    </tr>`
  }

  private again({ name, state }: Delivery, title: string) {
    if (state === State.PENDING) return nothing
    return html`<button ?disabled=${this.busy} aria-label="Deliver again what was ${title}: ${idOf(name)}" @click=${() => this.replay(name)}>
      Deliver again
    </button>`
  }

  private async replay(name: string) {
    await this.act(async () => {
      const { delivery } = await deliveries.replayDelivery({ name })
      this.deliveries = this.deliveries?.map(each => (each.name === name ? delivery! : each))
    })
  }

  private async load(pageToken = '') {
    const { of, wanted, session } = this
    await this.read(
      () =>
        deliveries.listDeliveries({
          parent: session.project,
          of,
          states: wanted ? [wanted] : [],
          pageSize: PAGE,
          pageToken,
        }),
      ({ deliveries: listed, nextPageToken }) => {
        this.deliveries = pageToken ? [...(this.deliveries ?? []), ...listed] : listed
        this.more = nextPageToken
      },
    )
    // What is under way is looked at again, unless somebody reads further down.
    clearTimeout(this.timer)
    const { deliveries: listed = [] } = this
    if (this.isConnected && listed.length <= PAGE && listed.some(({ state }) => state === State.PENDING))
      this.timer = setTimeout(() => void this.load(), EVERY)
  }
}
