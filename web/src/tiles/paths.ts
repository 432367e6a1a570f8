import { css, html, nothing, svg } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'
import { type Box, type Ribbon, flow } from '../model/flow'
import { number, percent } from '../model/format'
import { DrawingElement } from './drawing'

const LEAST_STEP = 112

/** The ways people take, as ribbons between what they do at each step. */
@customElement('tm-paths')
export class Paths extends DrawingElement {
  @state() private width = 0
  @state() private height = 0
  @state() private lit?: number

  private readonly resizes = new ResizeObserver(([entry]) => {
    this.width = entry!.contentRect.width
    this.height = entry!.contentRect.height
  })

  static override styles = [
    shared,
    css`
      :host {
        min-height: 0;
        overflow: auto hidden;
      }
      svg {
        display: block;
        font-size: 11.5px;
      }
      .ribbon {
        fill: var(--c1);
        opacity: 0.22;
      }
      .lit .ribbon {
        opacity: 0.07;
      }
      .lit .ribbon.on {
        opacity: 0.5;
      }
      rect.node {
        fill: var(--c1);
      }
      .other rect.node {
        fill: var(--c-other);
      }
      text {
        fill: var(--text);
        paint-order: stroke;
        stroke: var(--surface);
        stroke-width: 3px;
        stroke-linejoin: round;
      }
      text.muted {
        fill: var(--muted);
      }
    `,
  ]

  override connectedCallback() {
    super.connectedCallback()
    this.resizes.observe(this)
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    this.resizes.disconnect()
  }

  override render() {
    const { result } = this.answer ?? {}
    if (result?.case !== 'paths' || !this.width) return nothing
    const steps = Math.max(0, ...result.value.nodes.map(({ step }) => step)) + 1
    const width = Math.max(this.width, steps * LEAST_STEP)
    const height = Math.max(120, this.height - (width > this.width ? 12 : 0))
    const { boxes, ribbons } = flow(result.value, width, height - 4)
    const all = Number(result.value.paths)
    const label = `${this.tile.title || 'Paths'}: ${number(all)} paths in ${steps} steps`
    return html`<svg class=${this.lit === undefined ? '' : 'lit'} width=${width} height=${height} role="img" aria-label=${label}>
      ${ribbons.map(ribbon => this.ribbon(ribbon, boxes))} ${boxes.map((box, at) => this.box(box, at, all, width / steps))}
    </svg>`
  }

  private ribbon({ from, to, paths, path }: Ribbon, boxes: Box[]) {
    const on = this.lit === from || this.lit === to
    const title = `${boxes[from]!.label} → ${boxes[to]!.label}: ${number(paths)}`
    return svg`<path class="ribbon ${on ? 'on' : ''}" d=${path}><title>${title}</title></path>`
  }

  private box(box: Box, at: number, all: number, room: number) {
    const letters = Math.max(4, Math.floor((room - 22) / 6.3))
    const text = box.label.length > letters ? `${box.label.slice(0, letters - 1)}…` : box.label
    const ended = box.ended ? `, ${number(box.ended)} end here` : ''
    const x = box.x + box.width + 5
    const y = box.y + Math.min(box.height / 2, 14)
    const enter = () => (this.lit = at)
    const leave = () => (this.lit = undefined)
    return svg`<g class=${box.other ? 'other' : ''} @pointerenter=${enter} @pointerleave=${leave}>
      <title>${box.label}: ${number(box.paths)} (${percent(box.paths / all)})${ended}</title>
      <rect class="node" x=${box.x} y=${box.y} width=${box.width} height=${box.height} rx="2"></rect>
      <text x=${x} y=${y} dominant-baseline="middle">${text}</text>
      ${box.height > 26 ? svg`<text class="muted" x=${x} y=${y + 14} dominant-baseline="middle">${number(box.paths)}</text>` : nothing}
    </g>`
  }
}
