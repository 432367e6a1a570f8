import { create } from '@bufbuild/protobuf'
import { html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import type { Column } from '../common/collection'
import { Receivers } from '../common/receivers'
import { listed, titleOf } from '../common/words'
import { type Channel, ChannelSchema, type Notification } from '../gen/tidemark/v1/alert_pb'
import { alerts } from './clients'
import { reached } from './model/alert'
import { SEVERITIES } from './model/words'
import './notifications'

/** How people are reached: signed webhooks and mail, each of which can be tried; and the messages that went out. */
@customElement('tm-channels')
export class Channels extends Receivers<Channel> {
  @state() private told: Notification[] = []
  @state() private more = ''
  @state() private mail = false

  protected readonly wording = {
    title: 'Channels',
    one: 'channel',
    about:
      'Ways to reach people. Each hears once of an incident when it opens and once when it ends, and is tried until it has taken it or a day is over.',
    none: ['Make one, then try it.', 'An administrator of the project can make one.'],
    loss: 'What it has not delivered is given up.',
  } as const

  protected readonly columns: Column<Channel>[] = [
    { title: 'Channel', of: each => this.titled(each), kind: 'text' },
    { title: 'Kind', of: ({ target }) => (target.case === 'email' ? 'mail' : 'webhook') },
    { title: 'To', of: reached, kind: 'text' },
    { title: 'Hears of', of: each => `${titleOf(SEVERITIES, each.leastSeverity) || 'low'} and worse` },
    this.standing,
  ]

  protected override below() {
    return html`
      ${this.sheet('Messages', html`<tm-notifications .notifications=${this.told} .zone=${this.session.zone}></tm-notifications>`)}
      ${this.more ? html`<button ?disabled=${this.busy} @click=${() => this.load(this.more)}>Show more</button>` : nothing}
      ${super.below()}
    `
  }

  protected form() {
    return html`<label class="field"
        >Kind
        <select @change=${(event: Event) => (this.mail = (event.target as HTMLSelectElement).value === 'mail')}>
          <option value="webhook">Webhook, signed</option>
          <option value="mail" ?selected=${this.mail}>Mail</option>
        </select>
      </label>
      ${
        this.mail
          ? html`<label class="field">Addresses <input name="to" required placeholder="ops@example.com; commas between several" /></label>`
          : html`<label class="field">Address of the web server <input name="url" type="url" required placeholder="https://…" /></label>`
      }
      <label class="field"
        >Hears of incidents that are
        <select name="least">
          ${SEVERITIES.map(each => html`<option value=${each.value}>${each.title} or worse</option>`)}
        </select>
      </label>`
  }

  protected async create(text: (name: string) => string) {
    const channel = create(ChannelSchema, {
      displayName: text('title'),
      target: this.mail
        ? { case: 'email', value: { to: listed(text('to')) } }
        : { case: 'webhook', value: { url: text('url') } },
      leastSeverity: Number(text('least')),
    })
    ;({ secret: this.secret } = await alerts.createChannel({ parent: this.session.project, channel }))
  }

  protected try(name: string) {
    return alerts.testChannel({ name })
  }

  protected forget(name: string) {
    return alerts.deleteChannel({ name })
  }

  protected async load(pageToken = '') {
    const { project: parent } = this.session
    await this.read(
      () =>
        Promise.all([
          alerts.listChannels({ parent }),
          alerts.listNotifications({ parent, pageSize: 50, pageToken }),
        ]),
      ([{ channels }, page]) => {
        this.all = channels
        this.told = pageToken ? [...this.told, ...page.notifications] : page.notifications
        this.more = page.nextPageToken
      },
    )
  }
}
