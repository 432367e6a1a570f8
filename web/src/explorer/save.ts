import { create } from '@bufbuild/protobuf'
import { LitElement, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { problem } from '../client/problem'
import { dashboards } from '../client/transport'
import {
  type Dashboard,
  DashboardSchema,
  type Display,
  type Tile,
  LayoutSchema,
  TileSchema,
} from '../gen/tidemark/v1/dashboard_pb'
import type { Query } from '../gen/tidemark/v1/question_pb'
import { idOf } from '../model/file'
import { freshId, size } from '../model/tile'

const FRESH = 'new'

/** Saves a question as a tile of a dashboard, of one that is there or a new one. Opened by `show()`. */
@customElement('tm-save')
export class Save extends LitElement {
  @property({ attribute: false }) session!: Session
  @property({ attribute: false }) query!: Query
  @property({ attribute: false }) display?: Display
  @state() private listed: Dashboard[] = []
  @state() private target = FRESH
  @state() private fixed = false
  @state() private busy = false
  @state() private failure = ''
  @state() private saved = ''
  @query('dialog') private dialog!: HTMLDialogElement
  @query('#title') private titled!: HTMLInputElement
  @query('#dashboard-title') private named?: HTMLInputElement

  static override styles = [
    shared,
    css`
      form {
        display: grid;
        gap: var(--space-3);
        min-width: min(420px, 82vw);
      }
      .ends {
        justify-content: flex-end;
      }
    `,
  ]

  /** Opens the dialog with a title to begin with. */
  async show(title: string) {
    this.failure = ''
    this.saved = ''
    await this.updateComplete
    this.titled.value = title
    this.dialog.showModal()
    try {
      const page = await dashboards.listDashboards({ parent: this.session.project, pageSize: 1000 })
      this.listed = page.dashboards.filter(each => !each.builtIn)
      this.target = this.listed[0]?.name ?? FRESH
    } catch (error) {
      this.failure = problem(error).text
    }
  }

  override render() {
    const aim = (event: Event) => (this.target = (event.target as HTMLSelectElement).value)
    return html`<dialog aria-labelledby="heading">
      <form @submit=${this.submit}>
        <div class="row">
          <h2 id="heading">Save to a dashboard</h2>
          <span class="grow"></span>
          <button type="button" class="quiet icon-only" aria-label="Close" @click=${() => this.dialog.close()}>
            ${icon('close')}
          </button>
        </div>
        <label class="field">Title of the tile <input id="title" maxlength="200" autocomplete="off" /></label>
        <label class="field">
          Dashboard
          <select @change=${aim}>
            ${this.listed.map(
              each =>
                html`<option value=${each.name} ?selected=${each.name === this.target}>${each.displayName || each.name}</option>`,
            )}
            <option value=${FRESH} ?selected=${this.target === FRESH}>a new dashboard…</option>
          </select>
        </label>
        ${
          this.target === FRESH
            ? html`<label class="field">
              Its name <input id="dashboard-title" required maxlength="100" autocomplete="off" />
            </label>`
            : nothing
        }
        <label class="check">
          <input type="checkbox" .checked=${this.fixed} @change=${() => (this.fixed = !this.fixed)} />
          Keep this time range, instead of the dashboard’s
        </label>
        ${this.failure ? html`<p class="problem" role="alert">${this.failure}</p>` : nothing}
        ${
          this.saved
            ? html`<p role="status">Saved. <a href=${this.saved} @click=${() => this.dialog.close()}>Open the dashboard</a></p>`
            : nothing
        }
        <div class="row ends">
          <button type="button" @click=${() => this.dialog.close()}>${this.saved ? 'Close' : 'Cancel'}</button>
          <button class="primary" ?disabled=${this.busy || !!this.saved}>Save</button>
        </div>
      </form>
    </dialog>`
  }

  private submit = async (event: Event) => {
    event.preventDefault()
    this.busy = true
    this.failure = ''
    try {
      const saved = this.target === FRESH ? await this.make() : await this.add(this.target)
      this.saved = `/dashboards/${encodeURIComponent(idOf({ name: saved }))}`
    } catch (error) {
      this.failure = problem(error).text
    }
    this.busy = false
  }

  private async make(): Promise<string> {
    const dashboard = create(DashboardSchema, {
      displayName: this.named?.value.trim(),
      timeRange: this.query.timeRange,
      tiles: [this.tile([], 0)],
    })
    const request = { parent: this.session.project, dashboard, requestId: crypto.randomUUID() }
    return (await dashboards.createDashboard(request)).dashboard?.name ?? ''
  }

  /** Adds the tile below the others. The etag sees to it that nobody's change in between is lost. */
  private async add(name: string): Promise<string> {
    const { dashboard } = await dashboards.getDashboard({ name })
    const tiles = dashboard?.tiles ?? []
    const below = Math.max(0, ...tiles.map(({ layout }) => (layout?.y ?? 0) + (layout?.height || 4)))
    const changed = create(DashboardSchema, {
      name,
      etag: dashboard?.etag,
      tiles: [...tiles, this.tile(tiles, below)],
    })
    await dashboards.updateDashboard({ dashboard: changed, updateMask: { paths: ['tiles'] } })
    return name
  }

  private tile(others: Tile[], y: number): Tile {
    const tile = create(TileSchema, {
      id: freshId(others),
      title: this.titled.value.trim(),
      content: {
        case: 'query',
        value: { ...this.query, timeRange: this.fixed ? this.query.timeRange : undefined },
      },
      display: this.display,
    })
    tile.layout = create(LayoutSchema, { y, ...size(tile) })
    return tile
  }
}
