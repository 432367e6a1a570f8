import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { navigate } from '../app/router'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { problem } from '../client/problem'
import { dashboards as client } from '../client/transport'
import type { Dashboard, Tile } from '../gen/tidemark/v1/dashboard_pb'
import { laid } from '../model/board'
import { every, same, substituted } from '../model/condition'
import { type Point, behind, heading } from '../model/drill'
import type { Place } from '../model/layout'
import { type Span, absolute } from '../model/range'
import { PLAIN, type View, read as readView, write as writeView } from '../model/view'
import type { Match } from '../tiles/drawing'
import type { TileElement } from '../tiles/tile'
import './drill'
import type { Drill } from './drill'
import './editing'
import type { Editing } from './editing'
import './grid'
import type { Grid } from './grid'
import { Stream } from './stream'
import './view-bar'

/** A dashboard: its tiles, live on one stream; what a reader chooses, which the address holds; editing for those who may. */
@customElement('tm-dashboard')
export class DashboardElement extends LitElement {
  @property({ attribute: false }) session!: Session
  /** `projects/{project}/dashboards/{dashboard}`. */
  @property() name = ''
  /** The dashboard as it was last saved. */
  @state() private saved?: Dashboard
  /** The dashboard as it is being changed. */
  @state() private draft?: Dashboard
  @state() private view: View = PLAIN
  @state() private failure = ''
  @state() private busy = false
  @query('tm-grid') private grid?: Grid
  @query('tm-editing') private editing?: Editing
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
      h1 {
        overflow-wrap: anywhere;
      }
      .title p {
        flex-basis: 100%;
        max-width: 90ch;
        color: var(--muted);
        font-size: var(--text-small);
      }
      .problem {
        margin-bottom: var(--space-3);
      }
    `,
  ]

  override connectedCallback() {
    super.connectedCallback()
    this.recall()
    addEventListener('popstate', this.recall)
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    removeEventListener('popstate', this.recall)
  }

  override willUpdate(changes: PropertyValues<this>) {
    if (changes.has('name') || changes.has('session')) {
      this.stream.close()
      this.saved = this.draft = undefined
      void this.load()
    }
    // Somebody else has saved it: readers see theirs; who is editing hears of it when saving.
    else if (this.saved && !this.draft && this.stream.version && this.stream.version !== this.saved.etag)
      void this.load()
  }

  override render() {
    const { shown, saved, session } = this
    if (!shown || !saved) return this.empty()
    return html`
      <header>
        <div class="title">
          <h1>${shown.displayName}</h1>
          ${shown.builtIn ? html`<span class="chip">built in</span>` : nothing}
          ${shown.description ? html`<p>${shown.description}</p>` : nothing}
        </div>
        <tm-view-bar
          .session=${session}
          .dashboard=${shown}
          .view=${this.view}
          .span=${this.span}
          @change=${(event: CustomEvent<View>) => this.choose(event.detail)}
        ></tm-view-bar>
        ${this.draft ? nothing : this.beginning(shown)}
      </header>
      ${
        this.draft
          ? html`<tm-editing
              .session=${session}
              .saved=${saved}
              @tm-draft=${(event: CustomEvent<Dashboard>) => (this.draft = event.detail)}
              @tm-end=${(event: CustomEvent<Dashboard | null>) => this.end(event.detail ?? undefined)}
            ></tm-editing>`
          : nothing
      }
      ${this.problems()} ${shown.tiles.length ? this.tiles(shown) : this.bare()}
      <tm-drill .session=${session} .zone=${this.zone}></tm-drill>
    `
  }

  protected override updated() {
    if (!this.shown) return
    this.stream.ask(this.shown, this.view, !!this.draft)
    this.stream.repaint()
  }

  private get shown(): Dashboard | undefined {
    return this.draft ?? this.saved
  }

  private get zone(): string {
    return this.shown?.timeZone || this.session.zone
  }

  /** The span of a tile without a range of its own. */
  private get span(): Span | undefined {
    const tile = this.shown?.tiles.find(({ content }) => content.case === 'query' && !content.value.timeRange)
    return tile && this.stream.span(tile.id)
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
      : html`<button @click=${() => (this.draft = this.saved)}>${icon('edit')} Edit</button>`
  }

  private problems() {
    const { connection, problem: ended } = this.stream
    const told = [this.failure, connection === 'ended' ? ended?.text : ''].filter(Boolean)
    return told.map(text => html`<p class="problem" role="alert">${text}</p>`)
  }

  private tiles(shown: Dashboard) {
    return html`<tm-grid
      .tiles=${shown.tiles}
      .zone=${this.zone}
      ?editable=${!!this.draft}
      ?drill=${!this.draft}
      @tm-layout=${(event: CustomEvent<Place[]>) => this.editing?.change(laid(shown, event.detail))}
      @tm-tile=${(event: CustomEvent<string>) => this.editing?.act(event.detail, tileOf(event)!)}
      @tm-point=${(event: CustomEvent<Point>) => this.ask(event.detail, tileOf(event)!)}
      @tm-zoom=${(event: CustomEvent<Span>) => this.choose({ ...this.view, range: absolute(event.detail) })}
      @tm-filter=${(event: CustomEvent<Match[]>) => this.narrow(event.detail)}
    ></tm-grid>`
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

  /** Shows what is behind a point of a tile. */
  private ask(point: Point, tile: Tile) {
    const span = this.stream.span(tile.id)
    if (!this.shown || !span) return
    const { variables, filter } = this.shown
    const values = new Map(variables.map(each => [each.id, this.view.variables.get(each.id) ?? each.values]))
    const filters = [filter, this.view.filter].map(each => substituted(each, values))
    const found = behind(tile, point, { span, zone: this.zone, filters })
    if (found.events || found.people) void this.drill.show(found, heading(tile, point, this.zone))
  }

  private end(saved?: Dashboard) {
    if (saved) this.saved = saved
    // What was saved is newer than what the stream has told.
    this.stream.version = ''
    this.draft = undefined
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
}

/** The tile that an event comes from. */
function tileOf(event: Event): Tile | undefined {
  const found = event.composedPath().find(node => node instanceof HTMLElement && node.localName === 'tm-tile')
  return (found as TileElement | undefined)?.tile
}
