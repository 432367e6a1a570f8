import { create } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import {
  type Erasure,
  Erasure_State as State,
  type Retention,
  RetentionSchema,
} from '../gen/tidemark/v1/retention_pb'
import { instant, number } from '../model/format'
import { retention } from './clients'
import { Page } from '../page/page'

const EVERY = 2_000

type Days = 'rawDays' | 'minuteDays' | 'hourDays' | 'dayDays' | 'ledgerDays'

const KEPT: [name: Days, title: string, about: string][] = [
  ['rawDays', 'Events and points', 'as they came, with dead letters'],
  ['minuteDays', 'Figures by minute', 'rollups'],
  ['hourDays', 'Figures by hour', 'rollups'],
  ['dayDays', 'Figures by day', 'rollups'],
  ['ledgerDays', 'Ledger', 'the account, and the batches'],
]

const STATES: Record<State, { tone: '' | 'good' | 'warn'; words: string }> = {
  [State.UNSPECIFIED]: { tone: '', words: '' },
  [State.WAITING]: { tone: 'warn', words: 'waits for what is on its way' },
  [State.RUNNING]: { tone: 'warn', words: 'removing' },
  [State.COMPLETE]: { tone: 'good', words: 'complete' },
}

/** How long data stays, and the removal of people with its certificates. */
@customElement('tm-data-privacy')
export class PrivacyPage extends Page {
  @state() private kept?: Retention
  @state() private erasures?: Erasure[]
  @state() private saved = false
  @state() private person = ''
  @query('dialog') private dialog!: HTMLDialogElement
  private timer?: ReturnType<typeof setTimeout>

  static override styles = [
    ...Page.styles,
    css`
      .days {
        grid-template-columns: repeat(auto-fit, minmax(150px, 1fr));
      }
      .days .ends {
        grid-column: 1 / -1;
      }
      .erase {
        grid-template-columns: minmax(0, 320px) auto;
        align-items: end;
        justify-content: start;
      }
      code {
        overflow-wrap: anywhere;
      }
    `,
  ]

  override disconnectedCallback() {
    super.disconnectedCallback()
    clearTimeout(this.timer)
  }

  override willUpdate(changed: PropertyValues) {
    if (changed.has('session')) void this.load()
  }

  override render() {
    const admin = this.session.role === 'admin'
    return html`
      <header class="row">
        <h1>Privacy</h1>
        <p class="muted">How long data stays, and the removal of people from all of it.</p>
      </header>
      ${this.trouble()}
      <section class="panel" aria-labelledby="kept-title">${this.keeping(admin)}</section>
      ${admin ? this.erasing() : html`<p class="muted">Only a key of the role admin may remove people.</p>`}
      ${this.confirmation()}
    `
  }

  private keeping(admin: boolean) {
    const { kept } = this
    if (!kept) return this.empty(false, '')
    return html`<form class="days" @submit=${this.keep}>
      <h2 id="kept-title" class="ends">Kept for so many days <span class="muted small">(0 is for ever)</span></h2>
      ${KEPT.map(
        ([name, title, about]) =>
          html`<label class="field"
            >${title}
            <input
              type="number"
              name=${name}
              min="0"
              max="36500"
              .value=${String(kept[name])}
              ?disabled=${!admin}
              aria-describedby="${name}-about"
              @input=${() => (this.saved = false)}
            />
            <span class="muted small" id="${name}-about">${about}</span>
          </label>`,
      )}
      ${
        admin
          ? html`<div class="row ends">
              ${this.saved ? html`<span class="good-text" role="status">Saved</span>` : nothing}
              <span class="muted small">What is older goes within the hour and does not come back.</span>
              <button class="primary" ?disabled=${this.busy}>Save</button>
            </div>`
          : nothing
      }
    </form>`
  }

  private erasing() {
    const ask = (event: SubmitEvent) => {
      event.preventDefault()
      const form = event.target as HTMLFormElement
      this.person = (new FormData(form).get('person') as string).trim()
      if (this.person) this.dialog.showModal()
    }
    return html`<section class="panel" aria-label="Removal" tabindex="0">
      <form class="erase" @submit=${ask}>
        <label class="field">Remove a person <input name="person" required maxlength="200" placeholder="user id, exactly" autocomplete="off" /></label>
        <button class="danger" ?disabled=${this.busy}>Remove…</button>
      </form>
      ${this.erasures?.length ? this.certificates(this.erasures) : nothing}
    </section>`
  }

  private certificates(erasures: Erasure[]) {
    const at = (each: Erasure['createTime']) => (each ? instant(timestampMs(each), this.session.zone) : '')
    return html`<table>
      <caption>Certificates</caption>
      <thead>
        <tr>
          <th scope="col">Certificate</th>
          <th scope="col">State</th>
          <th scope="col">Asked for</th>
          <th scope="col">Complete</th>
          <th scope="col">Removed</th>
        </tr>
      </thead>
      <tbody>
        ${erasures.map(
          each =>
            html`<tr>
              <td><code class="small" title="SHA-256 of project, erasure and user id">${each.userSha256.slice(0, 16)}…</code></td>
              <td><span class="chip ${STATES[each.state].tone}">${STATES[each.state].words}</span></td>
              <td>${at(each.createTime)}<br /><span class="muted small">${each.requestedBy}</span></td>
              <td>${at(each.completeTime)}</td>
              <td class="text">
                ${each.parts.map(part => html`<div>${part.place.replaceAll('_', ' ')}: ${number(part.count)}</div>`)}
                ${each.notes.map(note => html`<p class="muted small">${note}</p>`)}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private confirmation() {
    const erase = async (event: SubmitEvent) => {
      const form = event.target as HTMLFormElement
      const typed = (new FormData(form).get('again') as string).trim()
      form.reset()
      if (typed !== this.person) {
        this.failure = 'What was typed is another id; nobody was removed.'
        return
      }
      const { project: parent } = this.session
      if (await this.act(() => retention.eraseUser({ parent, userId: this.person }))) await this.load()
    }
    return html`<dialog aria-labelledby="sure">
      <form method="dialog" @submit=${erase}>
        <h2 id="sure">Remove “${this.person}” for ever?</h2>
        <p>
          Their events, dead letters and places in cohorts go, and all figures that counted them are counted anew. Nothing brings them
          back. Events that come later are new data.
        </p>
        <label class="field">Type the user id again <input name="again" required autocomplete="off" /></label>
        <div class="row ends">
          <button type="button" @click=${() => this.dialog.close()}>Cancel</button>
          <button class="danger">Remove</button>
        </div>
      </form>
    </dialog>`
  }

  private keep = async (event: SubmitEvent) => {
    event.preventDefault()
    const fields = new FormData(event.target as HTMLFormElement)
    const changed = create(RetentionSchema, { name: this.kept!.name, etag: this.kept!.etag })
    for (const [name] of KEPT) changed[name] = Number(fields.get(name))
    await this.act(async () => {
      this.kept = (await retention.updateRetention({ retention: changed })).retention
      this.saved = true
    })
  }

  private async load() {
    clearTimeout(this.timer)
    const { project: parent, role } = this.session
    await this.act(async () => {
      this.kept ??= (await retention.getRetention({ name: `${parent}/retention` })).retention
      if (role === 'admin') this.erasures = (await retention.listErasures({ parent })).erasures
    })
    if (this.isConnected && this.erasures?.some(each => each.state !== State.COMPLETE))
      this.timer = setTimeout(() => void this.load(), EVERY)
  }
}
