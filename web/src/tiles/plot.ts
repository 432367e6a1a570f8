import { LitElement, type PropertyValues, css, html, unsafeCSS } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import uPlot from 'uplot'
import uplotStyles from 'uplot/dist/uPlot.min.css?inline'
import { shared } from '../app/theme/styles'
import type { Shape } from '../model/format'
import type { Chart } from '../model/series'
import { type Columns, type Look, columns, options, signature } from './uplot'

/** A place in a chart: a line, by its key, and a bucket. */
export type Spot = { line: string; bucket: number }

/** Draws a chart over time on a canvas.
 *
 * Dispatches `tm-hover` with the bucket under the pointer and where that is, or with nothing; `tm-spot` with a `Spot` for a click;
 * and `tm-zoom` with a `Span` that was marked. Left and right go from bucket to bucket, Enter is a click on the first line.
 * Crosshairs of all plots of a page go in step. */
@customElement('tm-plot')
export class Plot extends LitElement {
  @property({ attribute: false }) chart: Chart = { starts: [], width: 1, lines: [] }
  @property({ attribute: false }) look!: Look
  @property({ attribute: false }) shape: Shape = {}
  @property() zone = 'UTC'
  @property() label = 'Chart'
  /** What a bucket holds; read out when somebody goes there by keyboard. */
  @property({ attribute: false }) words: (bucket: number) => string = () => ''
  @property({ type: Boolean }) clickable = false
  @state() private at = -1
  @query('.stage') private stage!: HTMLElement

  private plot?: uPlot
  private columns?: Columns
  private signature = ''
  private pressed = 0
  private left = -1
  private top = -1
  private readonly resizes = new ResizeObserver(() => this.fit())

  static override styles = [
    shared,
    unsafeCSS(uplotStyles),
    css`
      :host {
        position: relative;
        min-height: 0;
        overflow: hidden;
      }
      .stage {
        position: absolute;
        inset: 0;
        border-radius: var(--radius-small);
      }
      .stage:focus-visible {
        outline-offset: -2px;
      }
      .u-select {
        background: var(--accent);
        opacity: 0.16;
      }
      .u-hz .u-cursor-x {
        border-right: 1px solid var(--line-strong);
      }
      .edge {
        display: none;
      }
      .clickable .u-over {
        cursor: pointer;
      }
    `,
  ]

  override connectedCallback() {
    super.connectedCallback()
    document.addEventListener('tm-theme', this.renew)
    if (this.hasUpdated) this.renew()
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    document.removeEventListener('tm-theme', this.renew)
    this.resizes.disconnect()
    this.drop()
  }

  override render() {
    const last = Math.max(0, this.chart.starts.length - 1)
    const now = this.at < 0 ? last : Math.min(this.at, last)
    return html`<div
      class="stage ${this.clickable ? 'clickable' : ''}"
      role="slider"
      tabindex="0"
      aria-label=${this.label}
      aria-valuemin="0"
      aria-valuemax=${last}
      aria-valuenow=${now}
      aria-valuetext=${this.words(now)}
      @keydown=${this.step}
      @blur=${this.leave}
    ></div>`
  }

  override updated(changed: PropertyValues<this>) {
    if (!changed.has('chart') && !changed.has('look') && !changed.has('shape') && !changed.has('zone')) return
    this.columns = columns(this.chart, this.look)
    const { signature: known } = this
    this.signature = signature(this.columns, this.look, this.shape, this.zone)
    if (this.plot && known === this.signature) this.plot.setData(this.columns.data)
    else this.build()
  }

  /** The canvas, for a picture. */
  get canvas(): HTMLCanvasElement | undefined {
    return this.plot?.ctx.canvas
  }

  private renew = () => {
    if (this.columns) this.build()
  }

  private build() {
    this.drop()
    const { columns: drawn, stage } = this
    if (!drawn) return
    const current = () => ({ chart: this.chart, look: this.look })
    const made = options(drawn, this.look, { shape: this.shape, zone: this.zone, current })
    const hooks = { ...made.hooks, setCursor: [this.hover], setSelect: [this.brush] }
    const { clientWidth: width, clientHeight: height } = stage
    this.plot = new uPlot({ ...made, width, height, hooks }, drawn.data, stage)
    const { over } = this.plot
    over.addEventListener('pointerdown', event => (this.pressed = event.clientX))
    over.addEventListener('click', this.choose)
    over.addEventListener('mouseleave', this.leave)
    this.resizes.observe(stage)
  }

  private drop() {
    this.plot?.destroy()
    this.plot = undefined
  }

  private fit() {
    const { clientWidth: width, clientHeight: height } = this.stage
    if (this.plot && (width !== this.plot.width || height !== this.plot.height))
      this.plot.setSize({ width, height })
  }

  private hover = (plot: uPlot) => {
    // The crosshair follows other plots, too; only where the pointer is, something is told.
    if (!plot.over.matches(':hover')) return
    const { left = -1, top = 0 } = plot.cursor
    if (left >= 0 && (left !== this.left || top !== this.top))
      this.tellHover(this.bucketAt(plot, left), left, top)
  }

  private tellHover(bucket: number, left: number, top: number) {
    this.left = left
    this.top = top
    const { offsetLeft = 0, offsetTop = 0 } = this.plot?.over ?? {}
    this.tell('tm-hover', { bucket, left: left + offsetLeft, top: top + offsetTop })
  }

  private leave = () => {
    this.at = this.left = this.top = -1
    this.tell('tm-hover', undefined)
  }

  private brush = (plot: uPlot) => {
    const { left, width } = plot.select
    if (width < 6) return
    const [start, end] = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')].map(Math.round)
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
    this.tell('tm-zoom', { start, end }, true)
  }

  private choose = (event: MouseEvent) => {
    const { plot, columns: drawn } = this
    if (!plot || !drawn || Math.abs(event.clientX - this.pressed) > 5) return
    const box = plot.over.getBoundingClientRect()
    const bucket = this.bucketAt(plot, event.clientX - box.left)
    const value = plot.posToVal(event.clientY - box.top, 'y')
    const line = drawn.lines[this.nearest(drawn, bucket, value)]
    if (line) this.tell('tm-spot', { line: line.key, bucket })
  }

  /** The line at a value: of those that stand on one another the one that reaches over it, else the one that is nearest. */
  private nearest({ lines, on, data }: Columns, bucket: number, value: number): number {
    const tops = lines.map((_, place) => data[place + 1]?.[bucket] ?? null)
    if (on.length)
      return Math.max(
        0,
        tops.findIndex(top => top !== null && Math.abs(top) >= Math.abs(value) && top * value >= 0),
      )
    const far = tops.map(top => (top === null ? Infinity : Math.abs(top - value)))
    return far.indexOf(Math.min(...far))
  }

  private bucketAt(plot: uPlot, left: number): number {
    const { starts } = this.chart
    const at = plot.posToVal(left, 'x')
    return this.look.mode === 'bar'
      ? Math.max(
          0,
          starts.findLastIndex(start => start <= at),
        )
      : plot.posToIdx(left)
  }

  private step = (event: KeyboardEvent) => {
    const last = this.chart.starts.length - 1
    const now = this.at < 0 ? last : this.at
    const to = {
      ArrowLeft: now - 1,
      ArrowRight: now + 1,
      Home: 0,
      End: last,
      PageUp: now - 10,
      PageDown: now + 10,
    }[event.key]
    if (event.key === 'Enter' && this.columns?.lines[0])
      this.tell('tm-spot', { line: this.columns.lines[0].key, bucket: now })
    if (to === undefined || !this.plot) return
    event.preventDefault()
    this.at = Math.min(last, Math.max(0, to))
    const left = this.plot.valToPos(this.chart.starts[this.at]!, 'x')
    this.plot.setCursor({ left, top: 10 })
    this.tellHover(this.at, left, 10)
  }

  private tell(name: string, detail: unknown, composed = false) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: composed, composed }))
  }
}
