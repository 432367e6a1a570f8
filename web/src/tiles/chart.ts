import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { shared } from '../app/theme/styles'
import { LifecycleState } from '../gen/tidemark/v1/question_pb'
import { assigned, tokenOf } from '../model/colour'
import { type Shape, bucket as bucketName, quantity } from '../model/format'
import { type Chart, type Line, chart, growing, lifecycle, sessions } from '../model/series'
import { drawing } from '../model/tile'
import { DrawingElement } from './drawing'
import './plot'
import type { Plot, Spot } from './plot'
import { styled } from './styled'
import type { Look } from './uplot'

type Hover = { bucket: number; left: number; top: number }

/** More lines than this are not told apart beside the pointer. */
const MOST_IN_TIP = 12

const STATES: Record<string, LifecycleState> = {
  new: LifecycleState.NEW,
  returning: LifecycleState.RETURNING,
  resurrecting: LifecycleState.RESURRECTING,
  dormant: LifecycleState.DORMANT,
}

/** Lines, areas or bars over time, with a legend that hides and shows lines, and the values under the pointer. */
@customElement('tm-chart')
export class ChartElement extends DrawingElement {
  @state() private off: ReadonlySet<string> = new Set()
  @state() private hover?: Hover
  @query('tm-plot') private plot?: Plot

  private chart: Chart = { starts: [], width: 1, lines: [] }
  private colours: ReadonlyMap<string, number> = new Map()
  private look!: Look
  private written: Shape = {}

  static override styles = [
    shared,
    css`
      :host {
        position: relative;
        display: flex;
        flex-direction: column;
        min-height: 0;
      }
      tm-plot {
        flex: 1;
        min-height: 60px;
      }
      .legend {
        display: flex;
        flex-wrap: wrap;
        gap: 0 2px;
        max-height: 52px;
        margin: 0;
        padding: 2px 0 0;
        overflow-y: auto;
        list-style: none;
        font-size: var(--text-small);
      }
      .legend li {
        max-width: 100%;
        min-width: 0;
      }
      .legend button {
        max-width: 100%;
        min-height: 24px;
        padding: 0 6px;
        gap: 6px;
        font-weight: 450;
        color: var(--text);
      }
      .legend button[aria-pressed='false'] {
        color: var(--muted);
        text-decoration: line-through;
      }
      .legend .value {
        color: var(--muted);
        font-variant-numeric: tabular-nums;
      }
      .before {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        padding: 3px 6px;
        color: var(--muted);
      }
      .before i {
        width: 14px;
        border-top: 2px dashed var(--line-strong);
      }
      .swatch {
        width: 9px;
        height: 9px;
        flex: none;
        border-radius: 2px;
        background: var(--colour);
      }
      .tip {
        position: absolute;
        z-index: 2;
        top: 0;
        left: 0;
        min-width: 130px;
        max-width: min(320px, 90%);
        padding: 7px 9px;
        border: 1px solid var(--line);
        border-radius: var(--radius-small);
        background: var(--raised);
        box-shadow: var(--shadow-raised);
        font-size: var(--text-small);
        pointer-events: none;
      }
      .tip h3 {
        margin-bottom: 3px;
        color: var(--text);
      }
      .tip dl {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: 1px 12px;
      }
      .tip dt {
        display: flex;
        align-items: center;
        gap: 6px;
        min-width: 0;
      }
      .tip dd {
        font-variant-numeric: tabular-nums;
        text-align: right;
      }
    `,
  ]

  // The plot draws anew what it is given anew: moving the pointer must not give it anything.
  override willUpdate(changed: PropertyValues) {
    if (changed.has('answer') || changed.has('tile')) {
      this.chart = this.charted()
      this.colours = assigned(this.colours, this.chart.lines)
      this.written = this.shape(this.chart.lines[0]?.unit)
    } else if (!changed.has('off')) return
    const { metadata, result } = this.answer ?? {}
    const kind = drawing(this.tile, result?.case)
    const alike = result?.case !== 'series'
    this.look = {
      mode: kind === 'area' ? 'area' : kind === 'bar' || alike ? 'bar' : 'line',
      stacked: alike || (this.tile.display?.stacked ?? false),
      colours: this.colours,
      hidden: this.off,
      growing: growing(this.chart, metadata?.watermark && timestampMs(metadata.watermark)),
    }
  }

  override render() {
    return html`
      <tm-plot
        .chart=${this.chart}
        .look=${this.look}
        .shape=${this.written}
        .zone=${this.zone}
        .label=${`${this.tile.title || 'Chart'}: left and right go through its values`}
        .words=${this.words}
        .clickable=${this.drill && this.answer?.result.case !== 'sessions'}
        @tm-hover=${(event: CustomEvent<Hover | undefined>) => (this.hover = event.detail)}
        @tm-spot=${(event: CustomEvent<Spot>) => this.spot(event.detail)}
      ></tm-plot>
      ${this.tip()} ${this.legend()}
    `
  }

  /** The canvas and the lines on it, for a picture. */
  get picture() {
    return {
      canvas: this.plot?.canvas,
      lines: this.chart.lines.map(line => ({ ...line, token: this.tokenOf(line) })),
    }
  }

  private charted(): Chart {
    const { result, metadata } = this.answer ?? {}
    const end = metadata?.timeRange?.end
    if (result?.case === 'series')
      return chart(result.value, this.question, this.tile.display?.unit, end && timestampMs(end))
    if (result?.case === 'lifecycle') return lifecycle(result.value)
    if (result?.case === 'sessions') return sessions(result.value)
    return { starts: [], width: 1, lines: [] }
  }

  private legend() {
    const { lines } = this.chart
    const compared = lines.some(line => line.previous.length > 0)
    if (lines.length < 2 && !compared) return nothing
    return html`<ul class="legend" aria-label="Lines">
      ${lines.length > 1 ? lines.map(line => html`<li>${this.entry(line)}</li>`) : nothing}
      ${compared ? html`<li class="before"><i></i> period before</li>` : nothing}
    </ul>`
  }

  private entry(line: Line) {
    const shown = !this.off.has(line.key)
    return html`<button
      class="quiet"
      aria-pressed=${shown ? 'true' : 'false'}
      title="${line.label}: click to ${shown ? 'hide' : 'show'} it, with Shift to see it alone"
      @click=${(event: MouseEvent) => this.toggle(line.key, event.shiftKey)}
    >
      <span class="swatch" ${styled({ '--colour': `var(${this.tokenOf(line)})` })}></span>
      <span class="clip">${line.label}</span>
      <span class="value">${this.text(Math.abs(line.total), line)}</span>
    </button>`
  }

  private tip() {
    const { hover, chart } = this
    const start = hover && chart.starts[hover.bucket]
    if (!hover || start === undefined) return nothing
    const lines = chart.lines.filter(line => !this.off.has(line.key))
    const shown = lines.length > MOST_IN_TIP ? this.largest(lines, hover.bucket) : lines
    const left = hover.left > this.clientWidth / 2
    const place = `translate(${hover.left + (left ? -14 : 14)}px, ${Math.max(0, hover.top - 30)}px) translateX(${left ? '-100%' : '0'})`
    return html`<div class="tip" ${styled({ transform: place })}>
      <h3>${bucketName(start, chart.width, this.zone)}</h3>
      <dl>
        ${shown.map(
          line => html`
            <dt>
              <span class="swatch" ${styled({ '--colour': `var(${this.tokenOf(line)})` })}></span>
              <span class="clip">${line.label}</span>
            </dt>
            <dd>${this.text(line.values[hover.bucket], line)}</dd>
            ${
              line.previous.length
                ? html`<dt class="muted">before</dt>
                    <dd class="muted">${this.text(line.previous[hover.bucket], line)}</dd>`
                : nothing
            }
          `,
        )}
      </dl>
      ${hover.bucket >= this.look.growing ? html`<p class="muted">May still grow.</p>` : nothing}
    </div>`
  }

  private largest(lines: Line[], bucket: number): Line[] {
    const size = (line: Line) => Math.abs(line.values[bucket] ?? 0)
    return [...lines].sort((a, b) => size(b) - size(a)).slice(0, MOST_IN_TIP)
  }

  /** A bucket in words. */
  private words = (bucket: number): string => {
    const start = this.chart.starts[bucket]
    if (start === undefined) return ''
    const values = this.chart.lines
      .filter(line => !this.off.has(line.key))
      .slice(0, MOST_IN_TIP)
      .map(line => `${line.label} ${this.text(line.values[bucket], line)}`)
    return `${bucketName(start, this.chart.width, this.zone)}: ${values.join(', ')}`
  }

  private text(value: number | null | undefined, line: Line): string {
    const shown =
      this.answer?.result.case === 'lifecycle' && typeof value === 'number' ? Math.abs(value) : value
    return quantity(shown, this.shape(line.unit))
  }

  private tokenOf(line: Line): string {
    return tokenOf(this.colours.get(line.key) ?? 0)
  }

  private toggle(key: string, alone: boolean) {
    const keys = this.chart.lines.map(line => line.key)
    if (alone) {
      const others = keys.filter(each => each !== key)
      const already = others.every(each => this.off.has(each))
      this.off = new Set(already ? [] : others)
    } else {
      const hidden = new Set(this.off)
      if (!hidden.delete(key)) hidden.add(key)
      this.off = hidden
    }
  }

  private spot({ line: key, bucket }: Spot) {
    const line = this.chart.lines.find(each => each.key === key)
    const start = this.chart.starts[bucket]
    if (!line || start === undefined) return
    const span = { start, end: this.chart.starts[bucket + 1] ?? start + this.chart.width }
    if (this.answer?.result.case === 'lifecycle')
      this.point({ kind: 'lifecycle', start, state: STATES[key]! })
    else if (this.answer?.result.case === 'series')
      this.point({ kind: 'series', measure: line.measure, group: line.group, other: line.other, span })
  }
}
