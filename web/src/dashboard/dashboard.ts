import { create } from '@bufbuild/protobuf'
import { Code } from '@connectrpc/connect'
import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { navigate } from '../app/router'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { problem } from '../client/problem'
import { dashboards as client } from '../client/transport'
import { type Dashboard, type Tile, TileSchema } from '../gen/tidemark/v1/dashboard_pb'
import { QuerySchema } from '../gen/tidemark/v1/question_pb'
import { MOST_TILES, changed, doubled, laid, put, without } from '../model/board'
import { every, same, substituted } from '../model/condition'
import { type Point, behind, heading } from '../model/drill'
import { type History, begun, done, redone, undone } from '../model/history'
import type { Place } from '../model/layout'
import { first } from '../model/question'
import { type Span, absolute } from '../model/range'
import { freshId } from '../model/tile'
import { PLAIN, type View, read as readView, write as writeView } from '../model/view'
import type { Match } from '../tiles/drawing'
import type { TileElement } from '../tiles/tile'
import './conflict'
import type { Conflict } from './conflict'
import './drill'
import type { Drill } from './drill'
import './grid'
import type { Grid } from './grid'
import './settings'
import type { Settings } from './settings'
import { Stream } from './stream'
import './tile-editor'
import type { TileEditor } from './tile-editor'
import './view-bar'

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

/** A dashboard: its tiles, live on one stream; what a reader chooses, which the address holds; editing for those who may. */
@customElement('tm-dashboard')
export class DashboardElement extends LitElement {
  @property({ attribute: false }) session!: Session
  /** `projects/{project}/dashboards/{dashboard}`. */
  @property() name = ''
  /** The dashboard as it was last saved. */
  @state() private saved?: Dashboard
  /** The dashboard as it is being changed. */
  @state() private draft?: History<Dashboard>
  @state() private view: View = PLAIN
  @state() private failure = ''
  @state() private said = ''
  @state() private busy = false
  @query('tm-grid') private grid?: Grid
  @query('tm-tile-editor') private editor!: TileEditor
  @query('tm-settings') private settings!: Settings
  @query('tm-conflict') private conflict!: Conflict
  @query('tm-drill') private drill!: Drill

  private readonly stream = new Stream(this, id => this.grid?.find(id))

  static override styles = [
    shared,
    css`
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-2) var(--space-4);
        margin-bottom: var(--space-3);
      }
      .title {
        display: flex;
        flex: 1 1 260px;
        flex-wrap: wrap;
        align-items: baseline;
        gap: 2px 10px;
        min-width: 0;
      }
      .title p {
        flex-basis: 100%;
        max-width: 90ch;
        color: var(--muted);
        font-size: var(--text-small);
      }
      .bar {
        position: sticky;
        z-index: 10;
        top: 56px;
        margin-bottom: var(--space-3);
        padding: 6px var(--space-2) 6px var(--space-3);
        border-color: var(--accent);
        box-shadow: var(--shadow-raised);
      }
      .problem,
      .notice {
        margin-bottom: var(--space-3);
      }
    `,
  ]

  override connectedCallback() {
    super.connectedCallback()
    this.view = readView(location.search)
    addEventListener('popstate', this.recall)
    addEventListener('beforeunload', this.warn)
    document.addEventListener('keydown', this.key)
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    removeEventListener('popstate', this.recall)
    removeEventListener('beforeunload', this.warn)
    document.removeEventListener('keydown', this.key)
  }

  override willUpdate(changes: PropertyValues<this>) {
    if (changes.has('name') || changes.has('session')) {
      this.stream.close()
      this.saved = this.draft = undefined
      void this.load()
    }
    // Somebody else has saved it: readers see theirs, who is editing hears of it when saving.
    else if (this.saved && !this.draft && this.stream.version && this.stream.version !== this.saved.etag)
      void this.load()
  }

  override render() {
    const { shown } = this
    if (!shown) return this.empty()
    return html`
      <header>
        <div class="title">
          <h1>${shown.displayName}</h1>
          ${shown.builtIn ? html`<span class="chip">built in</span>` : nothing}
          ${shown.description ? html`<p>${shown.description}</p>` : nothing}
        </div>
        <tm-view-bar
          .session=${this.session}
          .dashboard=${shown}
          .view=${this.view}
          .span=${this.span}
          @change=${(event: CustomEvent<View>) => this.choose(event.detail)}
        ></tm-view-bar>
        ${this.draft ? nothing : this.beginning(shown)}
      </header>
      ${this.draft ? this.editing(this.draft) : nothing}
      ${this.failure ? html`<p class="problem" role="alert">${this.failure}</p>` : nothing}
      ${
        this.stream.connection === 'ended' && this.stream.problem
          ? html`<p class="problem" role="alert">${this.stream.problem.text}</p>`
          : nothing
      }
      ${shown.tiles.length ? this.tiles(shown) : this.bare()} ${this.dialogs(shown)}
      <p class="hidden-text" role="status">${this.said}</p>
    `
  }

  protected override updated() {
    if (!this.shown) return
    this.stream.ask(this.shown, this.view, !!this.draft)
    this.stream.repaint()
  }

  private get shown(): Dashboard | undefined {
    return this.draft?.present ?? this.saved
  }

  private get zone(): string {
    return this.shown?.timeZone || this.session.zone
  }

  /** The span of a tile without a range of its own. */
  private get span(): Span | undefined {
    const tile = this.shown?.tiles.find(({ content }) => content.case === 'query' && !content.value.timeRange)
    return tile && this.stream.span(tile.id)
  }

  private get dirty(): boolean {
    return !!this.draft && this.draft.past.length > 0
  }

  private empty() {
    if (!this.failure) return html`<div class="state" role="status">Opening the dashboard…</div>`
    return html`<div class="state" role="alert">
      <strong>The dashboard cannot be shown</strong>
      <p>${this.failure}</p>
      <p><a href="/dashboards">All dashboards</a></p>
    </div>`
  }

  private bare() {
    return html`<div class="panel state">
      <strong>This dashboard has no tiles yet</strong>
      ${this.session.author ? html`<p>Edit it and add the first one.</p>` : nothing}
    </div>`
  }

  private beginning({ builtIn }: Dashboard) {
    if (!this.session.author) return nothing
    return builtIn
      ? html`<button ?disabled=${this.busy} @click=${() => void this.clone()}>${icon('copy')} Clone to edit</button>`
      : html`<button @click=${() => this.edit()}>${icon('edit')} Edit</button>`
  }

  private editing({ past, future, present }: History<Dashboard>) {
    const full = present.tiles.length >= MOST_TILES
    const add = (text: boolean) => void this.add(text)
    return html`<div class="row panel bar" role="toolbar" aria-label="Editing">
      <button ?disabled=${full} @click=${() => add(false)}>${icon('add')} Tile</button>
      <button ?disabled=${full} @click=${() => add(true)}>${icon('add')} Text</button>
      <button class="quiet" @click=${() => void this.settings.show(present)}>${icon('edit')} Settings</button>
      <button class="quiet icon-only" aria-label="Undo" title="Undo (Ctrl+Z)" ?disabled=${!past.length} @click=${() => this.undo()}>
        ${icon('undo')}
      </button>
      <button class="quiet icon-only" aria-label="Redo" title="Redo (Ctrl+Shift+Z)" ?disabled=${!future.length} @click=${() => this.redo()}>
        ${icon('redo')}
      </button>
      <span class="grow muted small">${full ? `${MOST_TILES} tiles are the most.` : ''}</span>
      <button @click=${() => this.leave()}>${past.length ? 'Discard' : 'Cancel'}</button>
      <button class="primary" ?disabled=${this.busy || !past.length} @click=${() => void this.save()}>${icon('save')} Save</button>
    </div>`
  }

  private tiles(shown: Dashboard) {
    return html`<tm-grid
      .tiles=${shown.tiles}
      .zone=${this.zone}
      ?editable=${!!this.draft}
      ?drill=${!this.draft}
      @tm-layout=${(event: CustomEvent<Place[]>) => this.change(laid(shown, event.detail))}
      @tm-tile=${(event: CustomEvent<string>) => this.act(event.detail, tileOf(event))}
      @tm-point=${(event: CustomEvent<Point>) => this.ask(event.detail, tileOf(event))}
      @tm-zoom=${(event: CustomEvent<Span>) => this.choose({ ...this.view, range: absolute(event.detail) })}
      @tm-filter=${(event: CustomEvent<Match[]>) => this.narrow(event.detail)}
    ></tm-grid>`
  }

  private dialogs(shown: Dashboard) {
    return html`
      <tm-drill .session=${this.session} .zone=${this.zone}></tm-drill>
      ${
        this.draft
          ? html`<tm-tile-editor
                .session=${this.session}
                .zone=${this.zone}
                @tm-done=${(event: CustomEvent<Tile>) => this.change(put(shown, event.detail))}
              ></tm-tile-editor>
              <tm-settings
                .session=${this.session}
                @tm-done=${(event: CustomEvent<Dashboard>) => this.change(event.detail)}
              ></tm-settings>
              <tm-conflict .zone=${this.zone} @tm-settle=${(event: CustomEvent<'theirs' | 'mine'>) => void this.settle(event.detail)}></tm-conflict>`
          : nothing
      }
    `
  }

  private async load() {
    const { name } = this
    try {
      const { dashboard } = await client.getDashboard({ name })
      if (name !== this.name || !dashboard) return
      this.saved = dashboard
      this.failure = ''
      document.title = `${dashboard.displayName} · Tidemark`
    } catch (error) {
      this.failure = problem(error).text
    }
  }

  private choose(view: View) {
    this.view = view
    navigate(location.pathname + writeView(view))
  }

  private recall = () => {
    this.view = readView(location.search)
  }

  private narrow(matches: Match[]) {
    const filter = every([this.view.filter, ...matches.map(({ field, value }) => same(field, value))])
    this.choose({ ...this.view, filter })
  }

  private ask(point: Point, tile: Tile | undefined) {
    const span = tile && this.stream.span(tile.id)
    if (!this.shown || !tile || !span) return
    const variables = new Map(
      this.shown.variables.map(({ id, values }) => [id, this.view.variables.get(id) ?? values]),
    )
    const filters = [this.shown.filter, this.view.filter].map(filter => substituted(filter, variables))
    const found = behind(tile, point, { span, zone: this.zone, filters })
    if (found.events || found.people) void this.drill.show(found, heading(tile, point, this.zone))
  }

  private edit() {
    if (!this.saved) return
    this.draft = begun(this.saved)
    this.said = 'Editing.'
  }

  private async add(text: boolean) {
    const id = freshId(this.shown?.tiles ?? [])
    const { question } = first()
    const content = text
      ? ({ case: 'text', value: '' } as const)
      : ({ case: 'query', value: create(QuerySchema, { question }) } as const)
    await this.editor.show(create(TileSchema, { id, content }), true)
  }

  private act(what: string, tile: Tile | undefined) {
    if (!tile || !this.shown) return
    if (what === 'edit') void this.editor.show(tile, false)
    else if (what === 'duplicate') this.change(doubled(this.shown, tile.id))
    else if (what === 'remove') {
      this.change(without(this.shown, tile.id))
      this.said = 'The tile was deleted. Ctrl+Z brings it back.'
    }
  }

  private change(next: Dashboard) {
    if (this.draft) this.draft = done(this.draft, next)
  }

  private undo() {
    if (this.draft) this.draft = undone(this.draft)
    this.said = 'Undone.'
  }

  private redo() {
    if (this.draft) this.draft = redone(this.draft)
    this.said = 'Done again.'
  }

  private leave() {
    this.draft = undefined
    this.failure = ''
  }

  private async save(etag = this.saved?.etag ?? '') {
    if (!this.draft || !this.saved) return
    this.busy = true
    this.failure = ''
    try {
      const dashboard = changed(this.draft.present, { etag })
      const answer = await client.updateDashboard({ dashboard, updateMask: { paths: FIELDS } })
      this.saved = answer.dashboard
      this.stream.version = ''
      this.draft = undefined
      this.said = 'Saved.'
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
      const { dashboard } = await client.getDashboard({ name: this.name })
      if (dashboard && this.saved) await this.conflict.show(this.saved, (this.theirs = dashboard))
    } catch (error) {
      this.failure = problem(error).text
    }
  }

  private theirs?: Dashboard

  private async settle(whose: 'theirs' | 'mine') {
    if (whose === 'mine') return this.save(this.theirs?.etag)
    this.saved = this.theirs
    this.leave()
  }

  private async clone() {
    this.busy = true
    try {
      const { dashboard } = await client.cloneDashboard({ name: this.name, requestId: crypto.randomUUID() })
      if (dashboard) navigate(`/dashboards/${dashboard.name.split('/').at(-1)}`)
    } catch (error) {
      this.failure = problem(error).text
    }
    this.busy = false
  }

  private warn = (event: BeforeUnloadEvent) => {
    if (this.dirty) event.preventDefault()
  }

  private key = (event: KeyboardEvent) => {
    const typing =
      event.composedPath()[0] instanceof HTMLElement &&
      /^(INPUT|TEXTAREA|SELECT)$/.test((event.composedPath()[0] as HTMLElement).tagName)
    if (!this.draft || typing || !(event.ctrlKey || event.metaKey)) return
    const pressed = event.key.toLowerCase()
    if (pressed === 'z' && !event.shiftKey) this.undo()
    else if (pressed === 'y' || pressed === 'z') this.redo()
    else return
    event.preventDefault()
  }
}

/** The tile that an event comes from. */
function tileOf(event: Event): Tile | undefined {
  const found = event.composedPath().find(node => node instanceof HTMLElement && node.localName === 'tm-tile')
  return (found as TileElement | undefined)?.tile
}
