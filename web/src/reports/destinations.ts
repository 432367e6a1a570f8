import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import type { Destination } from '../gen/tidemark/v1/delivery_pb'
import { idOf, titleOf } from '../insights/model/words'
import { Page } from '../page/page'
import '../common/secret'
import type { Secret } from '../common/secret'
import { deliveries } from './clients'
import { TARGETS, type Target, destination, reached } from './model/delivery'

/** Places that editions are brought to, each of which can be tried. */
@customElement('tm-destinations')
export class Destinations extends Page {
  @state() private destinations?: Destination[]
  @state() private kind: Target = 'email'
  @state() private tried = ''
  @state() private leaving?: Destination
  @query('#create') private creating!: HTMLDialogElement
  @query('#delete') private deleting!: HTMLDialogElement
  @query('tm-secret') private telling!: Secret

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
        <h1>Destinations</h1>
        <span class="grow"></span>
        ${this.administers ? html`<button class="primary" @click=${() => this.creating.showModal()}>${icon('add')} New destination</button>` : nothing}
        <p class="muted">
          Where editions are brought to, by schedules and by hand. What came of it is told under <a href="/reports/deliveries">deliveries</a>.
        </p>
      </header>
      ${this.trouble()} ${this.tried ? html`<p class="notice" role="status">${this.tried}</p>` : nothing}
      ${this.sheet('Destinations', this.body())} ${this.administers ? this.dialogs() : nothing}
    `
  }

  private body() {
    const { destinations: listed, administers } = this
    if (!listed?.length)
      return this.empty(
        listed !== undefined,
        'No destinations yet',
        administers ? 'Make one, then try it.' : 'An administrator of the project can make one.',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Destination</th>
          <th scope="col">Kind</th>
          <th scope="col">To</th>
          <th scope="col">State</th>
          ${administers ? html`<th scope="col"><span class="hidden-text">Actions</span></th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${listed.map(each => this.row(each))}
      </tbody>
    </table>`
  }

  private row(each: Destination) {
    const title = each.displayName || idOf(each.name)
    return html`<tr>
      <td class="text">${title}</td>
      <td>${titleOf(TARGETS, each.target.case!)}</td>
      <td class="text">${reached(each)}</td>
      <td>
        ${
          each.fault
            ? html`<span class="chip bad">not used</span><div class="small bad-text">${each.fault}</div>`
            : html`<span class="chip good">in use</span>`
        }
      </td>
      ${
        this.administers
          ? html`<td>
              <div class="row actions">
                <button ?disabled=${this.busy} aria-label="Test ${title}" @click=${() => this.test(each)}>Test</button>
                <button class="quiet danger" aria-label="Delete ${title}" @click=${() => this.ask(each)}>Delete…</button>
              </div>
            </td>`
          : nothing
      }
    </tr>`
  }

  private dialogs() {
    const { kind, leaving } = this
    const { fields } = TARGETS.find(({ value }) => value === kind)!
    return html`
      <dialog id="create" aria-labelledby="create-title">
        <form method="dialog" @submit=${this.make}>
          <h2 id="create-title">New destination</h2>
          <label class="field">Name <input name="title" required maxlength="100" autocomplete="off" /></label>
          <label class="field"
            >Kind
            <select @change=${(event: Event) => (this.kind = (event.target as HTMLSelectElement).value as Target)}>
              ${TARGETS.map(({ value, title }) => html`<option value=${value} ?selected=${value === kind}>${title}</option>`)}
            </select>
          </label>
          ${fields.map(
            ({ name, label, type = 'text', placeholder = '', optional }) =>
              html`<label class="field"
                >${label} <input name=${name} type=${type} placeholder=${placeholder} ?required=${!optional} autocomplete="off" />
              </label>`,
          )}
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
          <h2 id="delete-title">Delete “${leaving && (leaving.displayName || idOf(leaving.name))}”?</h2>
          <p>What was not delivered there yet is given up.</p>
          <div class="row ends">
            <button type="button" @click=${() => this.deleting.close()}>Cancel</button>
            <button class="danger">Delete</button>
          </div>
        </form>
      </dialog>
    `
  }

  private ask(leaving: Destination) {
    this.leaving = leaving
    this.deleting.showModal()
  }

  private make = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.target as HTMLFormElement
    const fields = new FormData(form)
    const text = (name: string) => ((fields.get(name) as string | null) ?? '').trim()
    const asked = destination(this.kind, text('title'), text)
    let secret = ''
    const made = await this.act(async () => {
      ;({ secret } = await deliveries.createDestination({ parent: this.session.project, destination: asked }))
    })
    if (!made) return
    form.reset()
    this.creating.close()
    if (secret) await this.telling.show(secret)
    await this.load()
  }

  private async test({ name, displayName }: Destination) {
    this.tried = ''
    await this.act(async () => {
      const { delivered, outcome } = await deliveries.testDestination({ name })
      this.tried = `${displayName || idOf(name)}: ${delivered ? 'delivered' : 'not delivered'}. ${outcome}`
    })
    if (!this.failure) await this.load()
  }

  private forget = async () => {
    const { leaving } = this
    if (leaving && (await this.act(() => deliveries.deleteDestination({ name: leaving.name }))))
      await this.load()
  }

  private async load() {
    const { project: parent } = this.session
    await this.read(
      () => deliveries.listDestinations({ parent }),
      ({ destinations }) => (this.destinations = destinations),
    )
  }
}
