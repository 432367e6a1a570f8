import { create } from '@bufbuild/protobuf'
import { Code } from '@connectrpc/connect'
import { LitElement, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { problem } from '../client/problem'
import { dashboards as client } from '../client/transport'
import { type Dashboard, DashboardSchema, type Tile, TileSchema } from '../gen/tidemark/v1/dashboard_pb'
import { QuerySchema } from '../gen/tidemark/v1/question_pb'
import { MOST_TILES, changed, doubled, put, without } from '../model/board'
import { type History, begun, done, redone, undone } from '../model/history'
import { first } from '../model/question'
import { freshId } from '../model/tile'
import './conflict'
import type { Conflict } from './conflict'
import './settings'
import type { Settings } from './settings'
import './tile-editor'
import type { TileEditor } from './tile-editor'

/** What a change may touch. */
const FIELDS = [
  'display_name',
  'description',
  'tiles',
  'time_range',
  'time_zone',
  'filter',
  'variables',
  'refresh',
]

/** Changes a dashboard, step by step, with undo, until it is saved or given up: the bar with the tools, and their dialogs. Dispatches
 * `tm-draft` with the dashboard after every step, and `tm-end` with the saved one, or without when it was given up. */
@customElement('tm-editing')
export class Editing extends LitElement {
  @property({ attribute: false }) session!: Session
  /** The dashboard as it was when the changes began. */
  @property({ attribute: false }) saved: Dashboard = create(DashboardSchema)
  @state() private history: History<Dashboard> = begun(this.saved)
  @state() private busy = false
  @state() private failure = ''
  @state() private said = 'Editing.'
  @query('tm-tile-editor') private editor!: TileEditor
  @query('tm-settings') private settings!: Settings
  @query('tm-conflict') private conflict!: Conflict

  /** What somebody else has saved in the meantime. */
  private theirs?: Dashboard

  static override styles = [
    shared,
    css`
      :host {
        position: sticky;
        z-index: 10;
        top: 56px;
        margin-bottom: var(--space-3);
      }
      .bar {
        padding: 6px var(--space-2) 6px var(--space-3);
        border-color: var(--accent);
        box-shadow: var(--shadow-raised);
      }
      .problem {
        margin-top: var(--space-2);
      }
    `,
  ]

  override connectedCallback() {
    super.connectedCallback()
    this.history = begun(this.saved)
    addEventListener('beforeunload', this.warn)
    document.addEventListener('keydown', this.key)
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    removeEventListener('beforeunload', this.warn)
    document.removeEventListener('keydown', this.key)
  }

  override render() {
    const { past, future, present } = this.history
    const full = present.tiles.length >= MOST_TILES
    return html`
      <div class="row panel bar" role="toolbar" aria-label="Editing">
        <button ?disabled=${full} @click=${() => void this.add(false)}>${icon('add')} Tile</button>
        <button ?disabled=${full} @click=${() => void this.add(true)}>${icon('add')} Text</button>
        <button class="quiet" @click=${() => void this.settings.show(present)}>${icon('edit')} Settings</button>
        ${this.stepper('Undo', 'Ctrl+Z', 'undo', past.length, () => this.undo())}
        ${this.stepper('Redo', 'Ctrl+Shift+Z', 'redo', future.length, () => this.redo())}
        <span class="grow muted small">${full ? `${MOST_TILES} tiles are the most.` : ''}</span>
        <button @click=${() => this.end()}>${past.length ? 'Discard' : 'Cancel'}</button>
        <button class="primary" ?disabled=${this.busy || !past.length} @click=${() => void this.save()}>
          ${icon('save')} Save
        </button>
      </div>
      ${this.failure ? html`<p class="problem" role="alert">${this.failure}</p>` : nothing}
      <p class="hidden-text" role="status">${this.said}</p>
      <tm-tile-editor
        .session=${this.session}
        .zone=${this.zone}
        @tm-done=${(event: CustomEvent<Tile>) => this.change(put(present, event.detail))}
      ></tm-tile-editor>
      <tm-settings
        .session=${this.session}
        @tm-done=${(event: CustomEvent<Dashboard>) => this.change(event.detail)}
      ></tm-settings>
      <tm-conflict
        .zone=${this.zone}
        @tm-settle=${(event: CustomEvent<'theirs' | 'mine'>) => this.settle(event.detail)}
      ></tm-conflict>
    `
  }

  /** Makes a step. */
  change(next: Dashboard) {
    this.step(done(this.history, next), '')
  }

  /** What was picked in the menu of a tile. */
  act(what: string, tile: Tile) {
    const { present } = this.history
    if (what === 'edit') void this.editor.show(tile, false)
    else if (what === 'duplicate') this.change(doubled(present, tile.id))
    else if (what === 'remove')
      this.step(done(this.history, without(present, tile.id)), 'The tile was deleted. Ctrl+Z brings it back.')
  }

  private get zone(): string {
    return this.history.present.timeZone || this.session.zone
  }

  private stepper(title: string, keys: string, look: 'undo' | 'redo', steps: number, take: () => void) {
    return html`<button
      class="quiet icon-only"
      aria-label=${title}
      title="${title} (${keys})"
      ?disabled=${!steps}
      @click=${take}
    >
      ${icon(look)}
    </button>`
  }

  private async add(text: boolean) {
    const id = freshId(this.history.present.tiles)
    const { question } = first()
    const content = text
      ? ({ case: 'text', value: '' } as const)
      : ({ case: 'query', value: create(QuerySchema, { question }) } as const)
    await this.editor.show(create(TileSchema, { id, content }), true)
  }

  private undo() {
    this.step(undone(this.history), 'Undone.')
  }

  private redo() {
    this.step(redone(this.history), 'Done again.')
  }

  private step(history: History<Dashboard>, said: string) {
    this.history = history
    this.said = said
    this.dispatchEvent(new CustomEvent('tm-draft', { detail: history.present }))
  }

  private end(dashboard?: Dashboard) {
    this.dispatchEvent(new CustomEvent('tm-end', { detail: dashboard }))
  }

  private async save(etag = this.saved.etag) {
    this.busy = true
    this.failure = ''
    try {
      const dashboard = changed(this.history.present, { etag })
      const answer = await client.updateDashboard({ dashboard, updateMask: { paths: FIELDS } })
      this.end(answer.dashboard)
    } catch (error) {
      const { code, text } = problem(error)
      if (code === Code.Aborted) await this.compare()
      else this.failure = text
    }
    this.busy = false
  }

  /** Somebody else saved first: shows what they changed. */
  private async compare() {
    try {
      const { dashboard } = await client.getDashboard({ name: this.saved.name })
      this.theirs = dashboard
      if (dashboard) await this.conflict.show(this.saved, dashboard)
    } catch (error) {
      this.failure = problem(error).text
    }
  }

  private settle(whose: 'theirs' | 'mine') {
    if (whose === 'mine') void this.save(this.theirs?.etag)
    else this.end(this.theirs)
  }

  private warn = (event: BeforeUnloadEvent) => {
    if (this.history.past.length) event.preventDefault()
  }

  private key = (event: KeyboardEvent) => {
    const [target] = event.composedPath()
    const typing = target instanceof HTMLElement && /^(input|textarea|select)$/.test(target.localName)
    if (typing || !(event.ctrlKey || event.metaKey)) return
    const pressed = event.key.toLowerCase()
    if (pressed === 'z' && !event.shiftKey) this.undo()
    else if (pressed === 'y' || pressed === 'z') this.redo()
    else return
    event.preventDefault()
  }
}
