import { create } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { live } from 'lit/directives/live.js'
import { icon } from '../app/icons'
import {
  type DeadLetter,
  type DeadLetterCluster,
  DeadLetterReason as Reason,
  type DeadLetterSelection,
  DeadLetterSelectionSchema,
  DeadLetterState as State,
  type RepairDeadLettersResponse,
} from '../gen/tidemark/v1/letter_pb'
import { bucket, instant, number } from '../model/format'
import { brief, readable } from './model/json'
import { ACTIONS, type Action, type Patch, outcome, rule, wanting } from './model/repair'
import { letters } from './clients'
import { Page } from '../page/page'

const DAY = 86_400_000
const REASONS: Record<Reason, string> = {
  [Reason.UNSPECIFIED]: '',
  [Reason.SCHEMA]: 'schema',
  [Reason.RULE]: 'rule',
  [Reason.UNSTORABLE]: 'not storable',
  [Reason.CORRUPT]: 'not readable',
  [Reason.POISON]: 'broke its batch',
}

/** What could not be stored: the kinds of fault, the letters of one, and the loop of repair: patch, preview, repair. */
@customElement('tm-data-letters')
export class LettersPage extends Page {
  @state() private clusters?: DeadLetterCluster[]
  @state() private letters?: DeadLetter[]
  @state() private more = ''
  @state() private patches: Patch[] = []
  @state() private preview?: RepairDeadLettersResponse
  @state() private progress?: RepairDeadLettersResponse
  @state() private result = ''
  @query('dialog') private dialog!: HTMLDialogElement

  static override styles = [
    ...Page.styles,
    css`
      .patch {
        display: grid;
        grid-template-columns: minmax(140px, 2fr) minmax(140px, 1fr) minmax(140px, 2fr) auto;
        gap: var(--space-2);
        align-items: end;
        min-width: 0;
        margin: 0;
        padding: 0;
        border: 0;
      }
      .outcome {
        display: grid;
        gap: var(--space-3);
        padding: 0 var(--space-4) var(--space-4);
      }
      progress {
        width: 100%;
      }
      td.whole {
        width: 50%;
        min-width: 220px;
        max-width: 0;
      }
      summary {
        cursor: pointer;
      }
      td pre {
        margin-top: var(--space-2);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      @media (max-width: 820px) {
        .patch {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (!changed.has('session') && !changed.has('name')) return
    this.patches = []
    this.preview = this.progress = undefined
    this.result = ''
    this.letters = undefined
    void this.load()
  }

  override render() {
    const cluster = this.clusters?.find(each => each.signature === this.name)
    return html`
      <header class="row">
        <h1>${this.name ? html`<a href="/data/letters">Dead letters</a> · ${cluster?.eventName || 'one kind of fault'}` : 'Dead letters'}</h1>
        <span class="grow"></span>
        <button ?disabled=${this.busy} @click=${() => this.load()}>Refresh</button>
        <p class="muted">
          ${
            this.name
              ? cluster?.message
              : 'What was taken and could not be stored is kept whole, with its reason, until it is repaired or given up.'
          }
        </p>
      </header>
      ${this.trouble()} ${this.result ? html`<p class="notice" role="status">${this.result}</p>` : nothing}
      ${this.name ? this.one() : this.sheet('Kinds of fault', this.all())}
    `
  }

  private all() {
    const { clusters } = this
    if (!clusters?.length)
      return this.empty(clusters !== undefined, 'No dead letters', 'Everything that was taken is stored.')
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Event</th>
          <th scope="col">Why</th>
          <th scope="col">Field</th>
          <th scope="col">What is wrong</th>
          <th scope="col" class="number">Count</th>
          <th scope="col">Last</th>
        </tr>
      </thead>
      <tbody>
        ${clusters.map(
          each =>
            html`<tr>
              <td class="text"><a href="/data/letters/${encodeURIComponent(each.signature)}">${each.eventName || 'unknown'}</a></td>
              <td><span class="chip">${REASONS[each.reason]}</span></td>
              <td class="text"><code>${each.field}</code></td>
              <td class="text">${each.message}</td>
              <td class="number">${number(each.count)}</td>
              <td>${this.at(each.lastReceivedAt)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private one() {
    const corrupt = this.letters?.[0]?.reason === Reason.CORRUPT
    return html`
      ${this.session.author && this.letters?.length && !corrupt ? this.repairing() : nothing}
      ${this.sheet('Letters', this.listing())}
      ${this.more ? html`<button ?disabled=${this.busy} @click=${() => this.load(this.more)}>Show more</button>` : nothing}
    `
  }

  private listing() {
    const { letters: found } = this
    if (!found?.length)
      return this.empty(found !== undefined, 'None is open', 'They were repaired or given up.')
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Received</th>
          <th scope="col">What is wrong</th>
          <th scope="col">As it came</th>
        </tr>
      </thead>
      <tbody>
        ${found.map(
          each =>
            html`<tr>
              <td>${this.at(each.receivedAt)}<br /><span class="muted small">${each.producerId}</span></td>
              <td class="text">${each.field ? html`<code>${each.field}</code><br />` : nothing}${each.message}</td>
              <td class="whole">
                <details>
                  <summary class="clip"><code>${brief(each.content)}</code></summary>
                  <pre tabindex="0" aria-label="As it came">${readable(each.content)}</pre>
                </details>
              </td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private repairing() {
    const field = this.letters?.[0]?.field ?? ''
    const add = () => this.patched([...this.patches, { field, action: 'set', value: '' }])
    return html`<section class="panel" aria-labelledby="repair-title">
      <form @submit=${this.foresee}>
        <h2 id="repair-title">Repair</h2>
        <p class="muted">
          They go through the rules and schemas as these are now, after the changes made here. Change a
          <a href="/data/schemas">schema</a> or a <a href="/data/rules">rule</a> instead where the fault is there.
        </p>
        ${this.patches.map((patch, at) => this.patch(patch, at))}
        <div class="row">
          <button type="button" @click=${add}>${icon('add')} Change a field</button>
          <span class="grow"></span>
          <button type="button" class="danger" ?disabled=${this.busy} @click=${() => this.dialog.showModal()}>Give up…</button>
          <button class="primary" ?disabled=${this.busy}>Preview</button>
        </div>
      </form>
      ${this.progress ? html`<div class="outcome">${this.bar(this.progress)}</div>` : nothing}
      ${this.preview ? this.foreseen(this.preview) : nothing}
    </section>
    ${this.farewell()}`
  }

  private patch(patch: Patch, at: number) {
    const change = (part: Partial<Patch>) =>
      this.patched(this.patches.map((each, place) => (place === at ? { ...each, ...part } : each)))
    const value = (event: Event) => (event.target as HTMLInputElement | HTMLSelectElement).value
    const asks = ACTIONS.find(each => each.action === patch.action)?.asks
    return html`<fieldset class="patch">
      <legend class="hidden-text">Change ${at + 1}</legend>
      <label class="field">Field <input required .value=${live(patch.field)} @change=${(event: Event) => change({ field: value(event).trim() })} /></label>
      <label class="field"
        >Change
        <select @change=${(event: Event) => change({ action: value(event) as Action })}>
          ${ACTIONS.map(each => html`<option value=${each.action} .selected=${live(each.action === patch.action)}>${each.title}</option>`)}
        </select>
      </label>
      ${
        asks
          ? html`<label class="field">${asks} <input .value=${live(patch.value)} @change=${(event: Event) => change({ value: value(event) })} /></label>`
          : html`<span></span>`
      }
      <button
        type="button"
        class="quiet icon-only"
        aria-label="Leave change ${at + 1} out"
        @click=${() => this.patched(this.patches.filter((_, place) => place !== at))}
      >
        ${icon('remove')}
      </button>
    </fieldset>`
  }

  private foreseen(preview: RepairDeadLettersResponse) {
    const { figures, stillFailing, trials } = preview
    const example = trials.find(each => each.after)
    return html`<div class="outcome">
      <p role="status"><strong>${outcome(preview, false)}</strong></p>
      ${
        figures.length
          ? html`<p>
              Figures that change:
              ${figures
                .slice(0, 20)
                .map(
                  each =>
                    html`<span class="chip">${each.eventName}, ${each.day ? bucket(timestampMs(each.day), DAY, this.session.zone) : ''}: +${number(each.addedCount)}</span> `,
                )}
            </p>`
          : nothing
      }
      ${stillFailing.map(each => html`<p class="bad-text">${number(each.count)}: ${each.message}</p>`)}
      ${
        example?.after
          ? html`<p class="small muted">The first as it would be stored:</p>
              <pre tabindex="0">${readable(new TextDecoder().decode(example.after.propertiesJson))}</pre>`
          : nothing
      }
      <div class="row ends">
        <button class="primary" ?disabled=${this.busy || preview.recoveredCount === 0n} @click=${this.repair}>
          Repair ${number(preview.recoveredCount)}
        </button>
      </div>
    </div>`
  }

  private bar({ examinedCount, selectedCount }: RepairDeadLettersResponse) {
    return html`<progress aria-label="Repaired so far" max=${Number(selectedCount) || 1} value=${Number(examinedCount)}></progress>`
  }

  private farewell() {
    const giveUp = async () => {
      const { project: parent } = this.session
      await this.act(async () => {
        const { discardedCount } = await letters.discardDeadLetters({ parent, selection: this.selection() })
        this.result = `${number(discardedCount)} given up.`
        this.letters = []
      })
    }
    return html`<dialog aria-labelledby="sure">
      <form method="dialog" @submit=${giveUp}>
        <h2 id="sure">Give all of them up?</h2>
        <p>They stay dead-lettered in the ledger, and are never stored.</p>
        <div class="row ends">
          <button type="button" @click=${() => this.dialog.close()}>Cancel</button>
          <button class="danger">Give up</button>
        </div>
      </form>
    </dialog>`
  }

  private patched(patches: Patch[]) {
    this.patches = patches
    this.preview = undefined
  }

  private selection(): DeadLetterSelection {
    return create(DeadLetterSelectionSchema, { signature: this.name, state: State.OPEN })
  }

  private foresee = async (event: SubmitEvent) => {
    event.preventDefault()
    this.failure = this.patches.map(wanting).find(Boolean) ?? ''
    if (!this.failure) await this.act(async () => (this.preview = await this.sent(true)))
  }

  private repair = async () => {
    await this.act(async () => {
      this.result = outcome(await this.sent(false), true)
      this.preview = undefined
      this.letters = undefined
    })
    if (!this.failure) await this.load()
  }

  private async sent(validateOnly: boolean): Promise<RepairDeadLettersResponse> {
    const { project: parent } = this.session
    const request = { parent, selection: this.selection(), patches: this.patches.map(rule), validateOnly }
    let last: RepairDeadLettersResponse | undefined
    try {
      for await (last of letters.repairDeadLetters(request)) this.progress = last
    } finally {
      this.progress = undefined
    }
    if (!last)
      throw new Error('The server did not say what became of them. Try again: nothing is stored twice.')
    return last
  }

  private async load(pageToken = '') {
    const { project: parent } = this.session
    await this.act(async () => {
      this.clusters = (await letters.listDeadLetterClusters({ parent })).clusters
      if (!this.name) return
      const page = await letters.listDeadLetters({
        parent,
        selection: this.selection(),
        pageSize: 20,
        pageToken,
      })
      this.letters = pageToken ? [...(this.letters ?? []), ...page.deadLetters] : page.deadLetters
      this.more = page.nextPageToken
    })
  }

  private at(time: DeadLetter['receivedAt']): string {
    return time ? instant(timestampMs(time), this.session.zone) : ''
  }
}
