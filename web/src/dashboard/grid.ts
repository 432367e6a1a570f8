import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import { icon } from '../app/icons'
import { shared } from '../app/theme/styles'
import type { Tile } from '../gen/tidemark/v1/dashboard_pb'
import { COLUMNS, type Place, moved, normal, reading, resized } from '../model/layout'
import '../tiles/tile'
import type { TileElement } from '../tiles/tile'
import { styled } from '../tiles/styled'

/** The height of a row and the gap between two, in pixels. */
const ROW = 34
const GAP = 12

type Drag = { id: string; x: number; y: number; before: Place[]; sizing: boolean }

/** Tiles on a grid of 12 columns, in one or two on a narrow page. With `editable` they are moved and resized by pointer and by keyboard;
 * `tm-layout` tells the new places when a tile is let go. Their states are drawn through `find`, not by this element. */
@customElement('tm-grid')
export class Grid extends LitElement {
  @property({ attribute: false }) tiles: readonly Tile[] = []
  @property() zone = 'UTC'
  @property({ type: Boolean }) editable = false
  @property({ type: Boolean }) drill = false
  /** The places while a tile is on its way. */
  @state() private moving?: Place[]
  @state() private drag?: Drag
  @state() private said = ''
  @query('.grid') private ground!: HTMLElement

  static override styles = [
    shared,
    css`
      .grid {
        display: grid;
        grid-template-columns: repeat(12, minmax(0, 1fr));
        grid-auto-rows: ${ROW}px;
        gap: ${GAP}px;
      }
      .cell {
        position: relative;
        display: grid;
        grid-row: calc(var(--y) + 1) / span var(--h);
        grid-column: calc(var(--x) + 1) / span var(--w);
        min-width: 0;
        min-height: 0;
      }
      .held {
        z-index: 5;
        opacity: 0.85;
        border-radius: var(--radius);
        outline: 2px solid var(--accent);
      }
      .grid.free {
        user-select: none;
      }
      button.handle {
        width: 26px;
        min-height: 26px;
        margin-left: -6px;
        padding: 0;
        cursor: grab;
        touch-action: none;
      }
      .held button.handle {
        cursor: grabbing;
      }
      .corner {
        position: absolute;
        z-index: 2;
        right: 1px;
        bottom: 1px;
        width: 18px;
        height: 18px;
        cursor: nwse-resize;
        touch-action: none;
      }
      .corner::after {
        content: '';
        position: absolute;
        right: 4px;
        bottom: 4px;
        width: 8px;
        height: 8px;
        border: solid var(--line-strong);
        border-width: 0 2px 2px 0;
        border-bottom-right-radius: 3px;
      }
      @media (max-width: 760px) {
        .grid {
          grid-template-columns: repeat(2, minmax(0, 1fr));
        }
        .cell {
          grid-row: auto / span var(--h);
          grid-column: auto / span 2;
        }
        .cell.small {
          grid-column-end: span 1;
        }
        .corner {
          display: none;
        }
      }
    `,
  ]

  override render() {
    const tiles = new Map(this.tiles.map(tile => [tile.id, tile]))
    return html`
      <div class="grid ${this.drag ? 'free' : ''}">
        ${repeat(
          reading(this.places),
          place => place.id,
          place => this.cell(place, tiles.get(place.id)!),
        )}
      </div>
      <p class="hidden-text" role="status">${this.said}</p>
    `
  }

  /** The element of a tile. */
  find(id: string): TileElement | undefined {
    return [...this.renderRoot.querySelectorAll<TileElement>('tm-tile')].find(each => each.tile.id === id)
  }

  protected override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('tiles')) this.moving = undefined
  }

  private get places(): Place[] {
    return (
      this.moving ??
      this.tiles.map(({ id, layout }) => normal({ ...{ x: 0, y: 0, width: 0, height: 0 }, ...layout, id }))
    )
  }

  private cell({ id, x, y, width, height }: Place, tile: Tile) {
    const style = styled({ '--x': `${x}`, '--y': `${y}`, '--w': `${width}`, '--h': `${height}` })
    const held = this.drag?.id === id
    return html`<div class="cell ${held ? 'held' : ''} ${width <= 4 && height <= 4 ? 'small' : ''}" ${style}>
      <tm-tile
        .tile=${tile}
        .zone=${this.zone}
        ?editable=${this.editable}
        ?drill=${this.drill}
        @tm-tile=${(event: CustomEvent<string>) => this.picked(event, id)}
      >
        ${this.editable ? this.handle(tile) : nothing}
      </tm-tile>
      ${
        this.editable
          ? html`<span class="corner" title="Drag to resize" @pointerdown=${(event: PointerEvent) => this.hold(event, id, true)}></span>`
          : nothing
      }
    </div>`
  }

  private handle({ id, title }: Tile) {
    return html`<button
      slot="handle"
      class="quiet handle"
      data-handle=${id}
      aria-label="Move ${title || 'the tile'}: arrow keys move it, with Shift they resize it"
      title="Drag to move; arrow keys move, with Shift they resize"
      @pointerdown=${(event: PointerEvent) => this.hold(event, id, false)}
      @keydown=${(event: KeyboardEvent) => this.step(event, id)}
    >
      ${icon('move')}
    </button>`
  }

  private picked(event: CustomEvent<string>, id: string) {
    if (event.detail !== 'move') return
    event.stopPropagation()
    const handles = this.renderRoot.querySelectorAll<HTMLElement>('[data-handle]')
    for (const handle of handles) if (handle.dataset.handle === id) handle.focus()
  }

  private hold(event: PointerEvent, id: string, sizing: boolean) {
    if (event.button) return
    const target = event.currentTarget as HTMLElement
    this.drag = { id, sizing, x: event.clientX, y: event.clientY + scrollY, before: this.places }
    target.setPointerCapture(event.pointerId)
    const follow = (next: PointerEvent) => this.follow(next)
    const end = ({ type }: PointerEvent) => {
      target.removeEventListener('pointermove', follow)
      target.removeEventListener('pointerup', end)
      target.removeEventListener('pointercancel', end)
      if (type === 'pointerup') this.settle()
      this.drag = undefined
      this.moving = undefined
    }
    target.addEventListener('pointermove', follow)
    target.addEventListener('pointerup', end)
    target.addEventListener('pointercancel', end)
  }

  /** The tile goes where the pointer is, column by column and row by row. */
  private follow(event: PointerEvent) {
    const { drag } = this
    const start = drag?.before.find(({ id }) => id === drag.id)
    if (!drag || !start) return
    if (event.clientY > innerHeight - 40) scrollBy(0, 12)
    else if (event.clientY < 90) scrollBy(0, -12)
    const column = (this.ground.clientWidth + GAP) / COLUMNS
    const across = Math.round((event.clientX - drag.x) / column)
    const down = Math.round((event.clientY + scrollY - drag.y) / (ROW + GAP))
    this.moving = drag.sizing
      ? resized(drag.before, drag.id, start.width + across, start.height + down)
      : moved(drag.before, drag.id, start.x + across, start.y + down)
  }

  private step(event: KeyboardEvent, id: string) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    const start = this.places.find(each => each.id === id)
    if (!way || !start) return
    event.preventDefault()
    const [across, down] = way as [number, number]
    this.moving = event.shiftKey
      ? resized(this.places, id, start.width + across, start.height + down)
      : moved(this.places, id, start.x + across, start.y + down)
    const { x, y, width, height } = this.moving.find(each => each.id === id)!
    this.said = `Column ${x + 1}, row ${y + 1}; ${width} columns wide, ${height} rows high.`
    this.settle()
  }

  private settle() {
    if (this.moving) this.dispatchEvent(new CustomEvent('tm-layout', { detail: this.moving }))
  }
}
