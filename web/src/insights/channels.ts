import { create } from '@bufbuild/protobuf'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { type Channel, ChannelSchema, type Notification } from '../gen/tidemark/v1/alert_pb'
import { Page } from '../page/page'
import '../common/secret'
import type { Secret } from '../common/secret'
import { alerts } from './clients'
import { reached } from './model/alert'
import { SEVERITIES, idOf, titleOf } from './model/words'
import './notifications'

/** How people are reached: signed webhooks and mail, each of which can be tried; and the messages that went out. */
@customElement('tm-channels')
export class Channels extends Page {
  @state() private channels?: Channel[]
  @state() private told: Notification[] = []
  @state() private more = ''
  @state() private mail = false
  @state() private tried = ''
  @state() private leaving?: Channel
  @query('#create') private creating!: HTMLDialogElement
  @query('tm-secret') private telling!: Secret
  @query('#delete') private deleting!: HTMLDialogElement

  static override styles = [
    ...Page.styles,
    css`
      dialog form {
        width: min(460px, 80vw);
      }
      .actions {
        flex-wrap: nowrap;
        justify-content: flex-end;
      }
    `,
  ]

  private get administers(): boolean {
    return this.session.role === 'admin'
  }

  override willUpdate(changed: PropertyValues) {
    if (changed.has('session')) void this.load()
  }

  override render() {
    return html`
      <header class="row">
        <h1>Channels</h1>
        <span class="grow"></span>
        ${this.administers ? html`<button class="primary" @click=${() => this.creating.showModal()}>${icon('add')} New channel</button>` : nothing}
        <p class="muted">
          Ways to reach people. Each hears once of an incident when it opens and once when it ends, and is tried until it has taken it or a
          day is over.
        </p>
      </header>
      ${this.trouble()} ${this.tried ? html`<p class="notice" role="status">${this.tried}</p>` : nothing}
      ${this.sheet('Channels', this.body())}
      ${this.sheet('Messages', html`<tm-notifications .notifications=${this.told} .zone=${this.session.zone}></tm-notifications>`)}
      ${this.more ? html`<button ?disabled=${this.busy} @click=${() => this.load(this.more)}>Show more</button>` : nothing}
      ${this.administers ? this.dialogs() : nothing}
    `
  }

  private body() {
    const { channels, administers } = this
    if (!channels?.length)
      return this.empty(
        channels !== undefined,
        'No channels yet',
        administers ? 'Make one, then try it.' : 'An administrator of the project can make one.',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Channel</th>
          <th scope="col">Kind</th>
          <th scope="col">To</th>
          <th scope="col">Hears of</th>
          <th scope="col">State</th>
          ${administers ? html`<th scope="col"><span class="hidden-text">Actions</span></th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${channels.map(each => this.row(each))}
      </tbody>
    </table>`
  }

  private row(channel: Channel) {
    const title = channel.displayName || idOf(channel.name)
    const actions = html`<td>
      <div class="row actions">
        <button ?disabled=${this.busy} aria-label="Test ${title}" @click=${() => this.test(channel)}>Test</button>
        <button class="quiet danger" aria-label="Delete ${title}" @click=${() => this.ask(channel)}>Delete…</button>
      </div>
    </td>`
    return html`<tr>
      <td class="text">${title}</td>
      <td>${channel.target.case === 'email' ? 'mail' : 'webhook'}</td>
      <td class="text">${reached(channel)}</td>
      <td>${titleOf(SEVERITIES, channel.leastSeverity) || 'low'} and worse</td>
      <td>
        ${
          channel.fault
            ? html`<span class="chip bad">not used</span><div class="small bad-text">${channel.fault}</div>`
            : html`<span class="chip good">in use</span>`
        }
      </td>
      ${this.administers ? actions : nothing}
    </tr>`
  }

  private dialogs() {
    return html`
      <dialog id="create" aria-labelledby="create-title">
        <form method="dialog" @submit=${this.make}>
          <h2 id="create-title">New channel</h2>
          <label class="field">Name <input name="title" required maxlength="100" autocomplete="off" /></label>
          <label class="field"
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
          </label>
          ${this.trouble()}
          <div class="row ends">
            <button type="button" @click=${() => this.creating.close()}>Cancel</button>
            <button class="primary" ?disabled=${this.busy}>Create</button>
          </div>
        </form>
      </dialog>
      <tm-secret></tm-secret>
      <dialog id="delete" aria-labelledby="delete-title">
        <form method="dialog" @submit=${this.forget}>
          <h2 id="delete-title">Delete “${this.leaving?.displayName}”?</h2>
          <p>What it has not delivered is given up.</p>
          <div class="row ends">
            <button type="button" @click=${() => this.deleting.close()}>Cancel</button>
            <button class="danger">Delete</button>
          </div>
        </form>
      </dialog>
    `
  }

  private ask(channel: Channel) {
    this.leaving = channel
    this.deleting.showModal()
  }

  private make = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.target as HTMLFormElement
    const fields = new FormData(form)
    const text = (name: string) => ((fields.get(name) as string | null) ?? '').trim()
    const several = text('to')
      .split(',')
      .map(each => each.trim())
      .filter(Boolean)
    const channel = create(ChannelSchema, {
      displayName: text('title'),
      target: this.mail
        ? { case: 'email', value: { to: several } }
        : { case: 'webhook', value: { url: text('url') } },
      leastSeverity: Number(text('least')),
    })
    const { project: parent } = this.session
    let secret = ''
    const made = await this.act(async () => {
      ;({ secret } = await alerts.createChannel({ parent, channel }))
    })
    if (!made) return
    form.reset()
    this.creating.close()
    if (secret) await this.telling.show(secret)
    await this.load()
  }

  private async test({ name, displayName }: Channel) {
    this.tried = ''
    await this.act(async () => {
      const { delivered, outcome } = await alerts.testChannel({ name })
      this.tried = `${displayName || idOf(name)}: ${delivered ? 'delivered' : 'not delivered'}. ${outcome}`
    })
    if (!this.failure) await this.load()
  }

  private forget = async () => {
    const { leaving } = this
    if (leaving && (await this.act(() => alerts.deleteChannel({ name: leaving.name })))) await this.load()
  }

  private async load(pageToken = '') {
    const { project: parent } = this.session
    await this.read(
      () =>
        Promise.all([
          alerts.listChannels({ parent }),
          alerts.listNotifications({ parent, pageSize: 50, pageToken }),
        ]),
      ([{ channels }, page]) => {
        this.channels = channels
        this.told = pageToken ? [...this.told, ...page.notifications] : page.notifications
        this.more = page.nextPageToken
      },
    )
  }
}
