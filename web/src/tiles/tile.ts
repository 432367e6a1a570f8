import { create } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { LitElement, type PropertyValues, type TemplateResult, css, html, nothing } from 'lit'
import { customElement, property, query } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { shared } from '../app/theme/styles'
import { type Tile, TileSchema } from '../gen/tidemark/v1/dashboard_pb'
import { type Answer, vacant } from '../model/answer'
import { type Freshness, freshness } from '../model/freshness'
import { instant } from '../model/format'
import { csv, sheet } from '../model/sheet'
import { LOADING, type TileState, drawing } from '../model/tile'
import './chart'
import type { ChartElement } from './chart'
import { download, fileName } from './download'
import './events'
import './funnel'
import './menu'
import type { Item } from './menu'
import './number'
import { painted } from './painted'
import './paths'
import { png } from './picture'
import './popup'
import './ranks'
import './retention'
import './sessions'
import { unwatchSight, watchSight } from './sight'
import './table'
import './text'

const SAVING: Item[] = [
  { id: 'csv', title: 'Save as CSV', icon: 'sheet' },
  { id: 'png', title: 'Save as PNG', icon: 'picture' },
]
const EDITING: Item[] = [
  { id: 'edit', title: 'Edit', icon: 'edit' },
  { id: 'duplicate', title: 'Duplicate', icon: 'copy' },
  { id: 'move', title: 'Move and resize', icon: 'move' },
]
const REMOVING: Item = { id: 'remove', title: 'Delete', icon: 'remove', danger: true }

/** One tile of a dashboard: its title, its answer drawn as it wants, and how fresh that is.
 *
 * Dispatches, besides what the drawings tell (see `drawing.ts`), `tm-tile` with `edit`, `duplicate`, `move` or `remove`. What is out
 * of sight is not drawn. Where an answer has been painted, a performance mark `tm-tile` tells so (see `painted.ts`). */
@customElement('tm-tile')
export class TileElement extends LitElement {
  @property({ attribute: false }) tile: Tile = create(TileSchema)
  @property({ attribute: false }) state: TileState = LOADING
  @property() zone = 'UTC'
  /** Whether points lead to what is behind them. */
  @property({ type: Boolean }) drill = false
  /** Whether the tile can be changed. */
  @property({ type: Boolean }) editable = false
  @property({ type: Boolean, reflect: true }) full = false
  @query('.drawing') private drawn?: LitElement

  private seen = false
  private behind = false
  private marked?: Answer

  static override styles = [
    shared,
    css`
      :host {
        min-width: 0;
        min-height: 0;
      }
      :host([full]) {
        position: fixed;
        z-index: 25;
        inset: 0;
        padding: var(--space-3);
        background: var(--bg);
      }
      section {
        container-type: inline-size;
        display: flex;
        flex-direction: column;
        height: 100%;
        min-height: 0;
      }
      header {
        display: flex;
        align-items: center;
        gap: 4px;
        min-height: 34px;
        padding: 4px 6px 0 var(--space-3);
      }
      h2 {
        font-size: 13px;
        font-weight: 600;
      }
      .fresh {
        --popup-height: 22px;
        --popup-padding: 5px;
        flex: none;
        max-width: 60%;
        font-size: 11.5px;
      }
      .fresh > span {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        font-size: 11.5px;
        font-weight: 450;
        font-variant-numeric: tabular-nums;
      }
      .dot {
        width: 7px;
        height: 7px;
      }
      .short {
        display: none;
      }
      @container (max-width: 400px) {
        .words {
          display: none;
        }
        .short {
          display: inline;
        }
      }
      .why {
        max-width: 300px;
        padding: 4px 6px;
        font-size: var(--text-small);
      }
      .why p + p {
        margin-top: 4px;
      }
      .body {
        position: relative;
        display: flex;
        flex: 1;
        flex-direction: column;
        min-height: 0;
        padding: 2px var(--space-3) var(--space-3);
      }
      .drawing {
        flex: 1;
        min-height: 0;
      }
      .state {
        flex: 1;
        align-content: center;
        padding: var(--space-2);
        font-size: var(--text-small);
      }
      .problem {
        margin-top: 6px;
        padding: 4px 8px;
        font-size: var(--text-small);
      }
      .skeleton {
        flex: 1;
        min-height: 24px;
        border-radius: var(--radius-small);
        background: linear-gradient(100deg, var(--sunken) 30%, var(--line) 50%, var(--sunken) 70%) 0 0 / 300% 100%;
        animation: wait 1.6s linear infinite;
      }
      @keyframes wait {
        from {
          background-position: 150% 0;
        }
        to {
          background-position: -150% 0;
        }
      }
      .bare header {
        display: none;
      }
      .bare .body {
        padding-top: var(--space-3);
      }
    `,
  ]

  override connectedCallback() {
    super.connectedCallback()
    watchSight(this, seen => {
      this.seen = seen
      if (seen && this.behind) this.requestUpdate()
    })
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    unwatchSight(this)
    document.removeEventListener('keydown', this.escape)
  }

  /** A tile that nobody sees keeps its newest answer for when somebody does. */
  protected override shouldUpdate(changed: PropertyValues<this>): boolean {
    this.behind = this.hasUpdated && !this.seen && changed.size === 1 && changed.has('state')
    return !this.behind
  }

  override render() {
    const text = this.tile.content.case === 'text'
    const bare = text && !this.tile.title && !this.editable
    return html`<section class="panel ${bare ? 'bare' : ''}" aria-labelledby="title">
      <header>
        <slot name="handle"></slot>
        <h2 id="title" class="clip grow" title=${this.tile.title}>${this.tile.title || (text ? 'Text' : 'Tile')}</h2>
        ${text ? nothing : this.freshness()}
        <tm-menu label="More about ${this.tile.title || 'this tile'}" .items=${this.items(text)} @tm-pick=${this.pick}></tm-menu>
      </header>
      <div class="body">${text ? this.text() : this.body()}</div>
    </section>`
  }

  protected override updated() {
    const { answer } = this.state
    if (!answer || answer === this.marked || !this.seen) return
    this.marked = answer
    const watermark = answer.metadata?.watermark
    painted({ tile: this.tile.id, watermark: watermark && timestampMs(watermark), total: total(answer) })
  }

  protected override async getUpdateComplete(): Promise<boolean> {
    const done = await super.getUpdateComplete()
    await this.drawn?.updateComplete
    return done
  }

  private freshness() {
    const { state } = this
    const exact = (ms: number) => instant(ms, this.zone)
    const fresh: Freshness = freshness(state.answer?.metadata, state, exact)
    const label = `${fresh.words}: how far this answer can be trusted`
    return html`<tm-popup class="fresh" .label=${label} data-freshness=${fresh.tone}>
      <span slot="trigger"><span class="dot ${fresh.tone}"></span><span class="words">${fresh.words}</span
        ><span class="short">${fresh.short}</span></span
      >
      <div class="why">${fresh.detail.length ? fresh.detail.map(said => html`<p>${said}</p>`) : html`<p>No answer yet.</p>`}</div>
    </tm-popup>`
  }

  private items(text: boolean): Item[] {
    const screen: Item = { id: 'full', title: this.full ? 'Leave full screen' : 'Full screen', icon: 'full' }
    const viewing = text ? [screen] : [screen, ...SAVING]
    return this.editable ? [...EDITING, ...viewing, REMOVING] : viewing
  }

  private text() {
    return html`<tm-text class="drawing" tabindex="0" .text=${this.tile.content.value}></tm-text>`
  }

  private body() {
    const { answer, error, standing } = this.state
    if (!answer && error)
      return html`<div class="state" role="alert"><strong>No answer</strong><p>${error.text}</p></div>`
    if (!answer && standing === 'ended') return html`<div class="state"><strong>No answer</strong></div>`
    if (!answer) return html`<div class="skeleton" role="status" aria-label="Loading"></div>`
    return html`${this.drawing(answer)}${error ? html`<p class="problem" role="alert">${error.text}</p>` : nothing}`
  }

  private drawing(answer: Answer): TemplateResult {
    const { tile, zone, drill } = this
    const kind = drawing(tile, answer.result.case)
    if (kind !== 'number' && vacant(answer.result))
      return html`<div class="state"><strong>Nothing in this time</strong>${icon('clock')}</div>`
    switch (kind) {
      case 'number':
        return html`<tm-number class="drawing" .tile=${tile} .answer=${answer} .zone=${zone} ?drill=${drill}></tm-number>`
      case 'table':
      case 'people':
        return html`<tm-table class="drawing" .tile=${tile} .answer=${answer} .zone=${zone} ?drill=${drill}></tm-table>`
      case 'ranks':
        return html`<tm-ranks class="drawing" tabindex="0" .tile=${tile} .answer=${answer} .zone=${zone} ?drill=${drill}></tm-ranks>`
      case 'funnel':
        return html`<tm-funnel class="drawing" tabindex="0" .tile=${tile} .answer=${answer} .zone=${zone} ?drill=${drill}></tm-funnel>`
      case 'retention':
        return html`<tm-retention class="drawing" .tile=${tile} .answer=${answer} .zone=${zone} ?drill=${drill}></tm-retention>`
      case 'sessions':
        return html`<tm-sessions class="drawing" tabindex="0" .tile=${tile} .answer=${answer} .zone=${zone}></tm-sessions>`
      case 'paths':
        return html`<tm-paths class="drawing" tabindex="0" .tile=${tile} .answer=${answer} .zone=${zone}></tm-paths>`
      case 'events':
        return html`<tm-events class="drawing" .tile=${tile} .answer=${answer} .zone=${zone}></tm-events>`
      default:
        return html`<tm-chart class="drawing" .tile=${tile} .answer=${answer} .zone=${zone} ?drill=${drill}></tm-chart>`
    }
  }

  private pick = ({ detail }: CustomEvent<string>) => {
    if (detail === 'full') this.turnFull()
    else if (detail === 'csv') this.save('csv', new Blob([csv(this.sheet())], { type: 'text/csv' }))
    else if (detail === 'png') void this.savePicture()
    else this.dispatchEvent(new CustomEvent('tm-tile', { detail, bubbles: true, composed: true }))
  }

  private turnFull() {
    this.full = !this.full
    if (this.full) document.addEventListener('keydown', this.escape)
    else document.removeEventListener('keydown', this.escape)
  }

  private escape = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && !event.defaultPrevented) this.turnFull()
  }

  private sheet() {
    const { content, display } = this.tile
    const query = content.case === 'query' ? content.value : undefined
    return sheet(this.state.answer?.result ?? { case: undefined }, query, display?.unit)
  }

  private async savePicture() {
    const chart = this.drawn?.localName === 'tm-chart' ? (this.drawn as ChartElement).picture : undefined
    const answered = this.state.answer?.metadata?.answeredAt
    const below = answered ? `Tidemark · ${instant(timestampMs(answered), this.zone)}` : 'Tidemark'
    this.save(
      'png',
      await png({ title: this.tile.title, below, zone: this.zone, chart, sheet: this.sheet() }),
    )
  }

  private save(ending: string, content: Blob) {
    download(fileName(this.tile.title, ending), content)
  }
}

/** The one number that stands for an answer, for those who measure. */
function total({ result }: Answer): number | undefined {
  if (result.case === 'series') return result.value.series[0]?.total
  if (result.case === 'table') return result.value.total?.values[0]
  return undefined
}
